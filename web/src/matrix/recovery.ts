import type { MatrixClient } from "matrix-js-sdk";
import { decodeRecoveryKey, DecryptionKeyDoesNotMatchError, deriveRecoveryKeyFromPassphrase } from "matrix-js-sdk/lib/crypto-api/index.js";
import type { SecretStorageKeyDescriptionAesV1 } from "matrix-js-sdk/lib/secret-storage.js";
import { client } from "./client.ts";
import { assess, cryptoOf, restoreHistory } from "./encryption.ts";
import { withStorageKey } from "./keystorage.ts";
import { noteRecoveryChange } from "./recovery-record.ts";
import { shareSearchSecret } from "./searchKey.ts";

/**
 * Why a recovery key does not help. `incomplete`: too short or too long, `mistyped`: its check digit does not fit, `wrong`: a recovery key, but not
 * of this account's key storage, `outdated`: of an earlier one, `no-storage`: the account has none, `empty-storage`: it has, but without the account's
 * identity, `other-identity`: the identity was reset since.
 */
export type RecoveryProblem = "incomplete" | "characters" | "mistyped" | "wrong" | "outdated" | "no-storage" | "empty-storage" | "other-identity";

export class RecoveryError extends Error {
  readonly problem: RecoveryProblem;
  constructor(problem: RecoveryProblem) {
    super(problem);
    this.problem = problem;
  }
}

const base58 = /^[1-9A-HJ-NP-Za-km-z]+$/;

/** Reads a recovery key as people type it: with any white space. */
export function parseRecoveryKey(text: string): Uint8Array<ArrayBuffer> {
  const typed = text.replace(/\s+/g, "");
  if (!base58.test(typed)) throw new RecoveryError("characters");
  // 35 bytes are 47 or 48 characters of base 58; with this first byte always 48.
  if (typed.length !== 48) throw new RecoveryError("incomplete");
  try {
    return decodeRecoveryKey(typed);
  } catch {
    throw new RecoveryError("mistyped");
  }
}

const secrets = ["m.cross_signing.master", "m.cross_signing.self_signing", "m.cross_signing.user_signing"] as const;

/** What opens the account's key storage: the recovery key alone, a passphrase too, or nothing because there is none. */
export async function storageKind(): Promise<"none" | "key" | "passphrase"> {
  const found = await client().secretStorage.getKey();
  return found === null ? "none" : found[1].passphrase ? "passphrase" : "key";
}

async function keyFrom(text: string, info: SecretStorageKeyDescriptionAesV1): Promise<Uint8Array<ArrayBuffer>> {
  const p = info.passphrase;
  if (p === undefined) return parseRecoveryKey(text);
  try {
    return parseRecoveryKey(text);
  } catch (err) {
    if (err instanceof RecoveryError && err.problem === "mistyped") throw err;
    return deriveRecoveryKeyFromPassphrase(text, p.salt, p.iterations, p.bits ?? 256);
  }
}

/** Whether the key opens a key storage of the account that has been replaced. */
async function opensFormer(c: MatrixClient, key: Uint8Array<ArrayBuffer>): Promise<boolean> {
  for (const [type, event] of c.store.accountData) {
    const info = event.getContent<SecretStorageKeyDescriptionAesV1>();
    if (type.startsWith("m.secret_storage.key.") && info.mac && (await c.secretStorage.checkKey(key, info).catch(() => false))) return true;
  }
  return false;
}

/** Reads what the user typed, and says why it does not open the key storage that there is now. */
async function opening(c: MatrixClient, text: string): Promise<{ keyId: string; key: Uint8Array<ArrayBuffer> }> {
  const found = await c.secretStorage.getKey();
  if (found === null) throw new RecoveryError("no-storage");
  const [keyId, info] = found;
  const key = await keyFrom(text, info);
  if (!(await c.secretStorage.checkKey(key, info))) throw new RecoveryError((await opensFormer(c, key)) ? "outdated" : "wrong");
  return { keyId, key };
}

/** Shows that the user has the recovery key or the passphrase, and writes it down. */
export async function proveKept(text: string): Promise<void> {
  const c = client();
  await opening(c, text);
  await noteRecoveryChange(c, true);
}

export interface Opened {
  /** The backup of the messages' keys: opened, not there, or of another key than the one in the key storage. */
  backup: "open" | "none" | "mismatch";
}

/** Confirms this device by the recovery key or passphrase, and brings the history back in the background. */
export async function recover(text: string): Promise<Opened> {
  const c = client();
  const crypto = cryptoOf(c);
  const { keyId, key } = await opening(c, text);
  const opened = await withStorageKey(keyId, key, async () => {
    for (const name of secrets) if (!(keyId in ((await c.secretStorage.isStored(name)) ?? {}))) throw new RecoveryError("empty-storage");
    try {
      await crypto.bootstrapCrossSigning({});
    } catch (err) {
      if (err instanceof Error && err.message.includes("importCrossSigningKeys")) throw new RecoveryError("other-identity");
      throw err;
    }
    await shareSearchSecret(c);
    return openBackup(c);
  });
  await assess(c);
  return opened;
}

async function openBackup(c: MatrixClient): Promise<Opened> {
  const crypto = cryptoOf(c);
  if ((await crypto.getKeyBackupInfo()) === null) return { backup: "none" };
  try {
    await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  } catch (err) {
    if (err instanceof DecryptionKeyDoesNotMatchError || (err instanceof Error && err.message.includes("missing decryption key"))) return { backup: "mismatch" };
    throw err;
  }
  await crypto.checkKeyBackupAndEnable();
  void restoreHistory(c);
  return { backup: "open" };
}

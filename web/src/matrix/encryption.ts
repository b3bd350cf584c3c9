import { ClientEvent, type MatrixClient, SyncState } from "matrix-js-sdk";
import {
  AllDevicesIsolationMode,
  type CryptoApi,
  CryptoEvent,
  ImportRoomKeyStage,
  OnlySignedDevicesIsolationMode,
} from "matrix-js-sdk/lib/crypto-api/index.js";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { withNewStorageKey } from "./keystorage.ts";
import { isLive } from "./live.ts";
import { logger } from "./logger.ts";
import { fetchOrganisation } from "./organisation.ts";
import { noteRecoveryChange } from "./recovery-record.ts";
import { shareSearchSecret } from "./searchKey.ts";

/**
 * How far this device is. `unconfirmed`: the account has keys that this device does not have. `show-key`: keys have just been made and the
 * recovery key waits to be kept by the user.
 */
export type Stage = "checking" | "setting-up" | "show-key" | "unconfirmed" | "ready" | "failed";

/** The history that comes back from the backup. A total of null: its size is not known yet. */
export interface Restore {
  running: boolean;
  done: number;
  total: number | null;
  failed: boolean;
}

interface State {
  stage: Stage;
  recoveryKey: string | null;
  error: string;
  restore: Restore | null;
  /** Keys of this device that are not in the backup yet; null: nothing known. */
  remaining: number | null;
}

const initial: State = { stage: "checking", recoveryKey: null, error: "", restore: null, remaining: null };
export const encryption = createStore<State>(() => initial);
export const useEncryption = <T>(pick: (s: State) => T): T => useStore(encryption, pick);

let working: MatrixClient | null = null;

export function cryptoOf(c: MatrixClient): CryptoApi {
  const crypto = c.getCrypto();
  if (crypto === undefined) throw new Error("encryption has not started");
  return crypto;
}

const onlyVerifiedName = "conclave.only-verified";

/** Whether this device sends only to devices that their owners, verified by the user, have confirmed. */
export const sendsOnlyToVerified = (): boolean => localStorage.getItem(onlyVerifiedName) === "yes";

/*
 * Which devices take part: by default those that their owners confirmed (MSC4153), unless the organisation says otherwise. The user can
 * demand more, and the SDK knows the stricter rule for sending only together with the wider one for reading.
 */
function applyRules(c: MatrixClient, excludeUnsigned: boolean): void {
  const crypto = cryptoOf(c);
  const strict = sendsOnlyToVerified();
  crypto.globalBlacklistUnverifiedDevices = strict;
  crypto.setDeviceIsolationMode(excludeUnsigned && !strict ? new OnlySignedDevicesIsolationMode() : new AllDevicesIsolationMode(false));
}

export async function setSendOnlyToVerified(on: boolean): Promise<void> {
  if (on) localStorage.setItem(onlyVerifiedName, "yes");
  else localStorage.removeItem(onlyVerifiedName);
  if (working) await followRules(working);
}

async function followRules(c: MatrixClient): Promise<void> {
  applyRules(c, true);
  const excludes = await fetchOrganisation().then(
    (o) => o.policy.excludeUnsignedDevices,
    () => true,
  );
  if (working === c && !excludes) applyRules(c, false);
}

/** Watches over this device's keys from its start on. */
export function startEncryption(c: MatrixClient): void {
  working = c;
  settled = false;
  encryption.setState(initial);
  void followRules(c);
  const again = () => void assess(c);
  c.on(CryptoEvent.KeysChanged, again);
  c.on(CryptoEvent.DevicesUpdated, again);
  c.on(CryptoEvent.UserTrustStatusChanged, again);
  c.on(ClientEvent.Sync, (now, before) => {
    if (now === SyncState.Prepared || (now === SyncState.Syncing && before !== SyncState.Syncing)) again();
  });
  c.on(CryptoEvent.KeyBackupSessionsRemaining, (remaining) => encryption.setState({ remaining }));
  c.on(CryptoEvent.KeyBackupDecryptionKeyCached, () => {
    // Keys that have just been made have nothing to bring back.
    if (encryption.getState().stage !== "setting-up") void restoreHistory(c);
  });
  again();
}

let assessing: Promise<void> | null = null;
let changed = false;

/** Finds out how far this device is, and sets up what the account does not have yet. */
export function assess(c: MatrixClient): Promise<void> {
  changed = true;
  assessing ??= assessUntilSettled(c).finally(() => (assessing = null));
  return assessing;
}

async function assessUntilSettled(c: MatrixClient): Promise<void> {
  while (changed) {
    changed = false;
    try {
      await decide(c);
    } catch (err) {
      logger.warn("encryption", err);
      const { stage } = encryption.getState();
      if (working === c && (stage === "checking" || stage === "setting-up") && isLive(c))
        encryption.setState({ stage: "failed", error: err instanceof Error ? err.message : String(err) });
    }
  }
}

/** Tries again what failed. */
export function retryEncryption(): void {
  encryption.setState({ stage: "checking", error: "" });
  if (working) void assess(working);
}

/** Whether the server's word went into the stage. Until then a device that is confirmed may work already, but nothing is made because it is missing. */
let settled = false;

async function decide(c: MatrixClient): Promise<void> {
  const { stage } = encryption.getState();
  if (stage === "setting-up" || stage === "show-key" || settled) return;
  const crypto = cryptoOf(c);
  const confirmed = async () => (await crypto.getDeviceVerificationStatus(c.getSafeUserId(), c.getDeviceId() ?? ""))?.crossSigningVerified === true;
  const live = isLive(c);
  if ((await confirmed()) && (!live || (await storageThere(c)))) {
    becomeReady(c, live);
    return;
  }
  if (!live) return;
  if (!(await crypto.userHasCrossSigningKeys())) {
    await setUp(c);
    return;
  }
  const { privateKeysCachedLocally: own } = await crypto.getCrossSigningStatus();
  if (own.masterKey && own.selfSigningKey && own.userSigningKey && !(await storageThere(c))) await setUp(c); // it was interrupted
  else if (await confirmed()) becomeReady(c, true);
  else encryption.setState({ stage: "unconfirmed" });
}

function becomeReady(c: MatrixClient, live: boolean): void {
  if (working !== c) return;
  settled = live;
  encryption.setState({ stage: "ready" });
}

/** Whether the account has a key storage, or said in another client that it wants none (MSC4287). */
async function storageThere(c: MatrixClient): Promise<boolean> {
  if ((await c.secretStorage.getDefaultKeyId()) !== null) return true;
  const wish = c.getAccountData("m.org.matrix.custom.backup_disabled" as never)?.getContent<{ disabled?: boolean }>();
  return wish?.disabled === true;
}

/*
 * Makes the account's identity, its key storage and the backup, without asking. The server takes the first keys of an account without a
 * password; that it wants one means that another device was faster, whose keys then stay.
 */
async function setUp(c: MatrixClient): Promise<void> {
  encryption.setState({ stage: "setting-up" });
  const crypto = cryptoOf(c);
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: (send) => send(null) });
  const deviceId = c.getDeviceId() ?? "";
  if ((await crypto.getDeviceVerificationStatus(c.getSafeUserId(), deviceId))?.signedByOwner !== true) await crypto.crossSignDevice(deviceId);
  const recoveryKey = await makeStorage(c);
  encryption.setState({ stage: "show-key", recoveryKey });
}

/** Makes a new key storage with all keys that this device has, and a backup if there is none. Gives the recovery key. */
export async function makeStorage(c: MatrixClient, passphrase?: string): Promise<string> {
  const crypto = cryptoOf(c);
  const made = await crypto.createRecoveryKeyFromPassphrase(passphrase);
  const check = await crypto.checkKeyBackupAndEnable();
  await withNewStorageKey(async () => {
    await crypto.bootstrapSecretStorage({
      createSecretStorageKey: () => Promise.resolve(made),
      setupNewSecretStorage: true,
      setupNewKeyBackup: check === null || !check.trustInfo.matchesDecryptionKey,
    });
    await shareSearchSecret(c);
  });
  await noteRecoveryChange(c, false);
  return made.encodedPrivateKey ?? "";
}

/** The user has the recovery key. */
export async function recoveryKeyKept(): Promise<void> {
  encryption.setState((s) => ({ stage: s.stage === "show-key" ? "ready" : s.stage, recoveryKey: null }));
  if (working) await noteRecoveryChange(working, true);
}

let restoring: Promise<void> | null = null;

/** Brings back the keys of all old messages, with a counter. */
export function restoreHistory(c: MatrixClient): Promise<void> {
  restoring ??= restore(c).finally(() => (restoring = null));
  return restoring;
}

async function restore(c: MatrixClient): Promise<void> {
  const crypto = cryptoOf(c);
  encryption.setState({ restore: { running: true, done: 0, total: null, failed: false } });
  try {
    const { total, imported } = await crypto.restoreKeyBackup({
      progressCallback: (p) => {
        if (p.stage === ImportRoomKeyStage.LoadKeys) encryption.setState({ restore: { running: true, done: p.successes, total: p.total, failed: false } });
      },
    });
    encryption.setState({ restore: { running: false, done: imported, total, failed: false } });
  } catch (err) {
    logger.warn("restore", err);
    encryption.setState((s) => ({ restore: { running: false, done: s.restore?.done ?? 0, total: s.restore?.total ?? null, failed: true } }));
  }
}

/** Takes the counter away once it has been read. */
export function restoreSeen(): void {
  encryption.setState({ restore: null });
}

/** Tries again to bring the history back. */
export function retryRestore(): void {
  if (working) void restoreHistory(working);
}

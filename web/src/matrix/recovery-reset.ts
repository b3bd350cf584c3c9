import type { UIAuthCallback } from "matrix-js-sdk/lib/interactive-auth.js";
import { MatrixError } from "matrix-js-sdk/lib/http-api/errors.js";
import { client } from "./client.ts";
import { assess, cryptoOf, encryption, makeStorage } from "./encryption.ts";
import { checkPassword } from "./signin.ts";

/** Answers the server's wish for the password. */
function passwordAuth(userId: string, password: string): UIAuthCallback<void> {
  return async (send) => {
    try {
      await send(null);
    } catch (err) {
      if (!(err instanceof MatrixError) || err.httpStatus !== 401 || typeof err.data.session !== "string") throw err;
      await send({ type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password, session: err.data.session });
    }
  };
}

/**
 * Gives the account a new identity, key storage and backup. What only the old backup could open is lost. False: the password is wrong. It is
 * checked before anything else, because the SDK drops the old keys before it asks the server.
 */
export async function resetIdentity(password: string): Promise<boolean> {
  const c = client();
  const userId = c.getSafeUserId();
  if (!(await checkPassword(userId, password))) return false;
  encryption.setState({ stage: "setting-up" });
  try {
    await cryptoOf(c).resetEncryption(passwordAuth(userId, password));
    encryption.setState({ recoveryKey: await makeStorage(c), stage: "show-key" });
  } catch (err) {
    encryption.setState({ stage: "checking" });
    await assess(c);
    throw err;
  }
  return true;
}

/** Makes a new recovery key; the former one stops working. With a passphrase, that opens the key storage too. */
export async function changeRecoveryKey(passphrase?: string): Promise<string> {
  return makeStorage(client(), passphrase);
}

/** Whether this device has all keys that a new key storage needs. */
export async function canChangeRecoveryKey(): Promise<boolean> {
  const { privateKeysCachedLocally: own } = await cryptoOf(client()).getCrossSigningStatus();
  return own.masterKey && own.selfSigningKey && own.userSigningKey;
}

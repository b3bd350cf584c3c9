import type { CryptoCallbacks } from "matrix-js-sdk/lib/crypto-api/index.js";

/*
 * The key of the key storage, while it is needed: the SDK asks for it when it reads or writes there. It is given by whoever has just
 * made it or asked the user for the recovery key, and forgotten afterwards.
 */
let held: { keyId: string; key: Uint8Array<ArrayBuffer> } | null = null;
let making = false;

export const cryptoCallbacks: CryptoCallbacks = {
  getSecretStorageKey: ({ keys }) => Promise.resolve(held !== null && held.keyId in keys ? [held.keyId, held.key] : null),
  cacheSecretStorageKey: (keyId, _info, key) => {
    if (making) held = { keyId, key };
  },
};

/** Lets the SDK use this key until the act ends. */
export async function withStorageKey<T>(keyId: string, key: Uint8Array<ArrayBuffer>, act: () => Promise<T>): Promise<T> {
  held = { keyId, key };
  try {
    return await act();
  } finally {
    held = null;
  }
}

/** Lets the SDK use the key that it makes during the act, until the act ends. */
export async function withNewStorageKey<T>(act: () => Promise<T>): Promise<T> {
  making = true;
  try {
    return await act();
  } finally {
    making = false;
    held = null;
  }
}

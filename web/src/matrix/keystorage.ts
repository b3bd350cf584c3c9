import type { CryptoCallbacks } from "matrix-js-sdk/lib/crypto-api/index.js";

/*
 * The key of the key storage, while it is needed: the SDK asks for it when it reads or writes there. It is given by whoever has just
 * made it or asked the user for the recovery key, and forgotten afterwards.
 */
let held: { keyId: string; key: Uint8Array<ArrayBuffer> } | null = null;

export const cryptoCallbacks: CryptoCallbacks = {
  getSecretStorageKey: ({ keys }) => {
    if (held === null) return Promise.resolve(null);
    const keyId = held.keyId in keys ? held.keyId : null;
    return Promise.resolve(keyId === null ? null : [keyId, held.key]);
  },
  cacheSecretStorageKey: (keyId, _info, key) => {
    held = { keyId, key };
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

/** Forgets the key. */
export function forgetStorageKey(): void {
  held = null;
}

/*
 * What the index keeps on disk. Each chunk is sealed by AES-256-GCM under the index's key, with a nonce of its own, and bound to the account and
 * to its name: a chunk that was changed, or put in another's place, does not open. The index's key is random and lies beside the chunks,
 * wrapped by a key from the account's or this device's secret (see matrix/searchKey.ts): to move to another secret, one value is written.
 */
export const databaseName = "conclave-search";

interface Sealed {
  iv: Uint8Array<ArrayBuffer>;
  data: ArrayBuffer;
}

interface Wrapped extends Sealed {
  userId: string;
}

const text = new TextEncoder();

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
  });
}

async function openDatabase(): Promise<IDBDatabase> {
  const request = indexedDB.open(databaseName, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("keys");
    request.result.createObjectStore("chunks");
  };
  const db = await result(request);
  // Whoever deletes the database, as sign-out does, need not wait.
  db.onversionchange = () => db.close();
  return db;
}

/** The key that wraps the index's key, from a secret. */
export async function wrappingKey(secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: text.encode("conclave search index") };
  return crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, ["wrapKey", "unwrapKey"]);
}

export class SealedChunks {
  private readonly db: IDBDatabase;
  private readonly userId: string;
  private key: CryptoKey;

  private constructor(db: IDBDatabase, userId: string, key: CryptoKey) {
    this.db = db;
    this.userId = userId;
    this.key = key;
  }

  /**
   * Opens what is there with the first of the keys that fits, and wraps the index's key by the first of all. If none fits, or it is another
   * account's, everything begins anew.
   */
  static async open(userId: string, keys: readonly CryptoKey[]): Promise<SealedChunks> {
    const db = await openDatabase();
    const kept = await result(db.transaction("keys").objectStore("keys").get("index") as IDBRequest<Wrapped | undefined>);
    if (kept?.userId === userId) {
      for (const [i, wrapping] of keys.entries()) {
        const key = await unwrap(kept, wrapping);
        if (key === null) continue;
        const chunks = new SealedChunks(db, userId, key);
        if (i > 0) await chunks.wrap(keys[0] as CryptoKey);
        return chunks;
      }
    }
    const chunks = new SealedChunks(db, userId, await freshKey());
    await chunks.clear(keys[0] as CryptoKey);
    return chunks;
  }

  /** Wraps the index's key by another key from now on. */
  async wrap(wrapping: CryptoKey): Promise<void> {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.wrapKey("raw", this.key, wrapping, { name: "AES-GCM", iv, additionalData: text.encode(this.userId) });
    await this.write((tx) => tx.objectStore("keys").put({ iv, data, userId: this.userId } satisfies Wrapped, "index"), ["keys"]);
  }

  /** Forgets all chunks and the key that they were sealed by. */
  async clear(wrapping: CryptoKey): Promise<void> {
    await this.write((tx) => (tx.objectStore("chunks").clear(), tx.objectStore("keys").clear()), ["chunks", "keys"]);
    this.key = await freshKey();
    await this.wrap(wrapping);
  }

  private async write(act: (tx: IDBTransaction) => unknown, stores = ["chunks"]): Promise<void> {
    const tx = this.db.transaction(stores, "readwrite");
    const done = new Promise<void>((resolve, reject) => {
      tx.oncomplete = () => resolve();
      tx.onabort = tx.onerror = () => reject(tx.error ?? new Error("IndexedDB"));
    });
    act(tx);
    await done;
  }

  private bound(name: string): Uint8Array<ArrayBuffer> {
    return text.encode(`${this.userId} ${name}`);
  }

  /** Writes and deletes chunks, all or none of them. */
  async put(chunks: ReadonlyMap<string, Uint8Array<ArrayBuffer> | null>): Promise<void> {
    const sealed = await Promise.all(
      [...chunks].map(async ([name, plain]): Promise<[string, Sealed | null]> => {
        if (plain === null) return [name, null];
        const iv = crypto.getRandomValues(new Uint8Array(12));
        return [name, { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: this.bound(name) }, this.key, plain) }];
      }),
    );
    await this.write((tx) => {
      const store = tx.objectStore("chunks");
      for (const [name, value] of sealed) {
        if (value === null) store.delete(name);
        else store.put(value, name);
      }
    });
  }

  /** A chunk; undefined if it is not there, null if it is not what was written. */
  async get(name: string): Promise<Uint8Array<ArrayBuffer> | null | undefined> {
    const sealed = await result(this.db.transaction("chunks").objectStore("chunks").get(name) as IDBRequest<Sealed | undefined>);
    return sealed === undefined ? undefined : this.unseal(name, sealed);
  }

  /** All chunks whose names begin so, with null for those that do not open. */
  async all(prefix: string): Promise<Map<string, Uint8Array<ArrayBuffer> | null>> {
    const store = this.db.transaction("chunks").objectStore("chunks");
    const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
    const [names, values] = await Promise.all([result(store.getAllKeys(range)), result(store.getAll(range) as IDBRequest<Sealed[]>)]);
    return new Map(await Promise.all(names.map(async (n, i) => [String(n), await this.unseal(String(n), values[i] as Sealed)] as const)));
  }

  private async unseal(name: string, sealed: Sealed): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv, additionalData: this.bound(name) }, this.key, sealed.data));
    } catch {
      return null;
    }
  }

  close(): void {
    this.db.close();
  }
}

// Extractable, because it is wrapped anew when the secret changes.
const freshKey = (): Promise<CryptoKey> => crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]);

const unwrap = (kept: Wrapped, wrapping: CryptoKey): Promise<CryptoKey | null> =>
  crypto.subtle
    .unwrapKey("raw", kept.data, wrapping, { name: "AES-GCM", iv: kept.iv, additionalData: text.encode(kept.userId) }, { name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"])
    .catch(() => null);

/*
 * The key that the device's encryption keys are stored under. It is random, and itself kept wrapped by a key that the browser does not give
 * out (WebCrypto, not extractable). So a copy of the profile's IndexedDB files opens nothing without the browser's own key, and
 * forgetting two small values is enough to make everything unreadable at once.
 */
const wrappedName = "conclave.storage-key";
const databaseName = "conclave-vault";

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("keys");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
  });
}

async function withStore<T>(mode: IDBTransactionMode, act: (s: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await open();
  try {
    return await new Promise<T>((resolve, reject) => {
      const tx = db.transaction("keys", mode);
      const request = act(tx.objectStore("keys"));
      tx.oncomplete = () => resolve(request.result);
      tx.onerror = () => reject(tx.error ?? new Error("IndexedDB"));
      tx.onabort = tx.onerror;
    });
  } finally {
    db.close();
  }
}

async function wrappingKey(create: boolean): Promise<CryptoKey | null> {
  const kept = await withStore<CryptoKey | undefined>("readonly", (s) => s.get("wrapping"));
  if (kept || !create) return kept ?? null;
  const fresh = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  await withStore("readwrite", (s) => s.put(fresh, "wrapping"));
  return fresh;
}

/** The key of this browser's databases; null when it is gone, which means that what they hold is lost. */
export async function databaseKey(create: boolean): Promise<Uint8Array<ArrayBuffer> | null> {
  const wrapping = await wrappingKey(create);
  if (wrapping === null) return null;
  const kept = localStorage.getItem(wrappedName);
  if (kept !== null && !create) {
    const bytes = Uint8Array.from(atob(kept), (c) => c.charCodeAt(0));
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.subarray(0, 12) }, wrapping, bytes.subarray(12)).catch(() => null);
    return plain === null ? null : new Uint8Array(plain);
  }
  if (!create) return null;
  const fresh = crypto.getRandomValues(new Uint8Array(32));
  await writeDatabaseKey(fresh);
  return fresh;
}

/** Keeps this key of the databases. */
export async function writeDatabaseKey(plain: Uint8Array<ArrayBuffer>): Promise<void> {
  const wrapping = await wrappingKey(true);
  if (wrapping === null) throw new Error("no wrapping key");
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, wrapping, plain));
  localStorage.setItem(wrappedName, btoa(String.fromCharCode(...iv, ...sealed)));
}

/** Whether the databases can be opened without a password. */
export const vaultIsOpen = (): boolean => localStorage.getItem(wrappedName) !== null;

/** Throws away both halves of what opens the databases. */
export async function closeVault(): Promise<void> {
  localStorage.removeItem(wrappedName);
  await withStore("readwrite", (s) => s.delete("wrapping"));
}

/** Makes everything that was stored under the key unreadable, before it is deleted. */
export function forgetDatabaseKey(): void {
  localStorage.removeItem(wrappedName);
}

// How the app looks says nothing about the account.
const keptNames = new Set(["conclave.language", "conclave.appearance", "mantine-color-scheme-value"]);

/** Deletes all that the app keeps in this browser, but how it looks. */
export async function eraseDatabases(): Promise<void> {
  for (const { name } of await indexedDB.databases()) {
    if (name === undefined) continue;
    await new Promise<void>((done) => {
      const request = indexedDB.deleteDatabase(name);
      request.onsuccess = request.onerror = request.onblocked = () => done();
    });
  }
  for (const name of Object.keys(localStorage)) if (!keptNames.has(name)) localStorage.removeItem(name);
  sessionStorage.clear();
}

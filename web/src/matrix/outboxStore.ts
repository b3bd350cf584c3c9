import { keptSession } from "./session.ts";
import { databaseKey } from "./vault.ts";

/*
 * Small things that outlive a reload but not the sign-in: drafts, what waits to be sent, the list of chats as it last was. They are sealed under a key derived from that of
 * this browser's databases, and are in local storage, which is erased with all else.
 */
const prefix = "conclave.sealed.";

async function sealingKey(): Promise<CryptoKey | null> {
  const raw = await databaseKey(false);
  if (raw === null) return null;
  const base = await crypto.subtle.importKey("raw", raw, "HKDF", false, ["deriveKey"]);
  const salt = new Uint8Array(32);
  const info = new TextEncoder().encode("conclave sealed values");
  return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt, info }, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Bytes as a text of one character each. A function takes only so many arguments. */
function binary(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

export interface SealedStore<T> {
  /** What was saved last; null if nothing is there or it cannot be opened. */
  load(): Promise<T | null>;
  /** Saves; of several in a row the last is sure to be there at the end. */
  save(value: T): Promise<void>;
}

/** A value in local storage that only this browser, signed in, can read. */
export function sealedStore<T>(name: string, getKey: () => Promise<CryptoKey | null> = sealingKey): SealedStore<T> {
  let latest: T | undefined;
  let writing: Promise<void> | null = null;
  const place = prefix + name;
  async function write(): Promise<void> {
    while (latest !== undefined) {
      const text = JSON.stringify(latest);
      latest = undefined;
      const user = keptSession()?.userId;
      const key = await getKey();
      if (key === null || user === undefined) return;
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const context = new TextEncoder().encode(`${name} ${user}`);
      const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: context }, key, new TextEncoder().encode(text)));
      // Whoever signed out meanwhile wants nothing left here.
      if (keptSession()?.userId === user) localStorage.setItem(place, btoa(binary(iv) + binary(sealed)));
    }
  }
  return {
    async load() {
      const kept = localStorage.getItem(place);
      const user = keptSession()?.userId;
      const key = kept === null ? null : await getKey();
      if (kept === null || key === null || user === undefined) return null;
      try {
        const bytes = Uint8Array.from(atob(kept), (c) => c.charCodeAt(0));
        const context = new TextEncoder().encode(`${name} ${user}`);
        const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes.subarray(0, 12), additionalData: context }, key, bytes.subarray(12));
        return JSON.parse(new TextDecoder().decode(plain)) as T;
      } catch {
        return null; // another account's, or damaged
      }
    },
    save(value) {
      latest = value;
      writing ??= write().finally(() => {
        writing = null;
      });
      return writing;
    },
  };
}

import { closeVault, databaseKey, vaultIsOpen, writeDatabaseKey } from "./vault.ts";

/*
 * The idle lock. While it is open, the key of this browser's databases is kept as vault.ts says. Beside that it is kept wrapped by a key from the
 * account's password; locking throws the other away and loads the page anew, so that neither memory nor disk has a key that opens
 * anything without the password. What the lock does not cover: the list of rooms as the server tells it, which is not encrypted
 * on disk, and the token.
 */
const sealedName = "conclave.locked-key";
const lockedName = "conclave.locked";
const activeName = "conclave.last-active";
const minutesName = "conclave.idle-minutes";
const iterations = 600_000;

interface Sealed {
  salt: string;
  iterations: number;
  iv: string;
  key: string;
}

const toText = (b: Uint8Array): string => btoa(String.fromCharCode(...b));
const toBytes = (s: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));

async function passwordKey(password: string, salt: Uint8Array<ArrayBuffer>, rounds: number): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-512", salt, iterations: rounds }, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

function sealed(): Sealed | null {
  try {
    return JSON.parse(localStorage.getItem(sealedName) ?? "null") as Sealed | null;
  } catch {
    return null;
  }
}

/** Whether the password alone opens what is kept here, without the server. */
export const isSealed = (): boolean => sealed() !== null;

/** Keeps the key wrapped by the password too. */
export async function sealWithPassword(password: string): Promise<void> {
  const plain = await databaseKey(false);
  if (plain === null) return;
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const key = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await passwordKey(password, salt, iterations), plain));
  localStorage.setItem(sealedName, JSON.stringify({ salt: toText(salt), iterations, iv: toText(iv), key: toText(key) } satisfies Sealed));
}

/** Forgets the copy that the password opens: the organisation wants no lock any more. */
export function unseal(): void {
  localStorage.removeItem(sealedName);
}

/** Whether the app is locked: since it was, or because nobody used it for too long. */
export function isLocked(now = Date.now()): boolean {
  if (localStorage.getItem(lockedName) !== null || (isSealed() && !vaultIsOpen())) return true;
  const minutes = idleMinutes();
  const active = Number(localStorage.getItem(activeName) ?? now);
  return minutes !== null && now - active >= minutes * 60_000;
}

/** Locks what is kept here. The caller loads the page anew. */
export async function lockVault(): Promise<void> {
  localStorage.setItem(lockedName, "yes");
  if (isSealed()) await closeVault();
}

/** Opens what is kept here by the password. False: it is another one. */
export async function unlockVault(password: string): Promise<boolean> {
  const s = sealed();
  if (s === null) return false;
  const key = await passwordKey(password, toBytes(s.salt), s.iterations);
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: toBytes(s.iv) }, key, toBytes(s.key)).catch(() => null);
  if (plain === null) return false;
  await writeDatabaseKey(new Uint8Array(plain));
  setUnlocked();
  return true;
}

export function setUnlocked(): void {
  localStorage.removeItem(lockedName);
  noteActivity();
}

export const noteActivity = (now = Date.now()): void => localStorage.setItem(activeName, String(now));

/** After how many minutes the organisation wants the lock, as far as it has said; null: never. */
export function idleMinutes(): number | null {
  const n = Number(localStorage.getItem(minutesName));
  return n > 0 ? n : null;
}

export function setIdleMinutes(minutes: number | null): void {
  if (minutes !== null && minutes > 0) localStorage.setItem(minutesName, String(minutes));
  else localStorage.removeItem(minutesName);
}

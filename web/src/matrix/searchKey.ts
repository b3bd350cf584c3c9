import type { MatrixClient } from "matrix-js-sdk";
import { createStore } from "zustand/vanilla";
import { logger } from "./logger.ts";
import { sealedStore } from "./outboxStore.ts";

/*
 * The secret that the search index is sealed by. It belongs to the account: it lies in the key storage, and each device takes it from there (or puts
 * it there) when the key storage is open, which is at its making and when the recovery key is entered. A device that was confirmed by another one has
 * no key storage open, and the SDK asks other devices only for the secrets that it knows itself; an index serves one browser alone,
 * so such a device begins with a secret of its own and moves to the account's later. Here all of them are kept sealed, as drafts are.
 */
const type = "chat.conclave.search_key";
const kept = sealedStore<string[]>("search-key");

/** How often the account's secret became another one since the start. */
export const searchSecretChanges = createStore<{ count: number }>(() => ({ count: 0 }));

const toText = (b: Uint8Array): string => btoa(String.fromCharCode(...b));

function toBytes(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return bytes.length === 32 ? bytes : null;
  } catch {
    return null;
  }
}

const fresh = (): string => toText(crypto.getRandomValues(new Uint8Array(32)));

let last: Promise<unknown> = Promise.resolve();

/** One change after another: two that begin with nothing would make two secrets. */
function inTurn<T>(act: () => Promise<T>): Promise<T> {
  const mine = last.then(act, act);
  last = mine.catch(() => undefined);
  return mine;
}

/** The secrets that may open the index, the one to be used first. */
export function searchSecrets(): Promise<Uint8Array<ArrayBuffer>[]> {
  return inTurn(async () => {
    let texts = await kept.load();
    if (texts === null || texts.length === 0) await kept.save((texts = [fresh()]));
    return texts.flatMap((t) => toBytes(t) ?? []);
  });
}

/** Takes the account's secret from the key storage, or puts one there. Only while the key storage is open. */
export function shareSearchSecret(c: MatrixClient): Promise<void> {
  return inTurn(() => share(c)).catch((err: unknown) => logger.warn("search key", err)); // the device goes on with its own
}

async function share(c: MatrixClient): Promise<void> {
  const own = (await kept.load()) ?? [];
  const stored = await c.secretStorage.get(type).catch(() => undefined); // sealed by a key storage that is no more
  if (stored !== undefined && toBytes(stored) !== null) {
    if (own[0] === stored) return;
    await kept.save([stored, ...own.filter((s) => s !== stored)].slice(0, 3));
  } else {
    const secret = own[0] ?? fresh();
    if (own.length === 0) await kept.save([secret]);
    await c.secretStorage.store(type, secret);
  }
  searchSecretChanges.setState((s) => ({ count: s.count + 1 }));
}

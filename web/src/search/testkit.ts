import type { Entry } from "@/matrix/searchTypes.ts";
import { type Find, SearchIndex } from "./index.ts";
import { parseQuery } from "./query.ts";
import { databaseName, SealedChunks, wrappingKey } from "./sealed.ts";
import { Shelf } from "./shelf.ts";

export const secret = (n: number): Promise<CryptoKey> => wrappingKey(new Uint8Array(32).fill(n));

export async function openIndex(user = "@anna:x", keys = [1], now?: () => number): Promise<{ index: SearchIndex; chunks: SealedChunks; shelf: Shelf }> {
  const chunks = await SealedChunks.open(user, await Promise.all(keys.map(secret)));
  const shelf = await Shelf.open(chunks);
  return { index: new SearchIndex(shelf, now), chunks, shelf };
}

export const deleteIndex = (): Promise<void> =>
  new Promise((done) => {
    indexedDB.deleteDatabase(databaseName).onsuccess = () => done();
  });

export const entry = (id: string, ts: number, text: string, more: Partial<Entry> = {}): Entry => ({ id, ts, text, sender: "@anna:x", kinds: [], ...more });

export const query = (text: string, more: Partial<Find> = {}): Find => {
  const q = parseQuery(text);
  return { atoms: q.atoms, rooms: null, senders: null, not: [], kinds: q.has, after: q.after, before: q.before, order: "newest", limit: 100, past: null, skip: 0, ...more };
};

export const ids = async (index: SearchIndex, text: string, more: Partial<Find> = {}): Promise<string[]> => (await index.search(query(text, more))).hits.map((h) => h.id);

/** A generator of numbers from 0 to 1 that gives the same ones each time. */
export function random(seed: number): () => number {
  let s = seed;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return s / 2 ** 32;
  };
}

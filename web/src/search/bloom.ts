/*
 * A Bloom filter says of a segment which words it certainly does not have, so that a search opens few of them. Ten bits and seven probes for
 * each entry: one in a hundred is opened in vain.
 */
const bitsPerEntry = 10;
const probes = 7;

function hash(text: string, seed: number): number {
  let h = seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 15;
  h = Math.imul(h, 0x2c1b3c6d);
  return (h ^ (h >>> 12)) >>> 0;
}

function* places(entry: string, bits: number): Generator<number> {
  const [a, b] = [hash(entry, 0x811c9dc5), hash(entry, 0x9747b28c) | 1];
  for (let i = 0; i < probes; i++) yield ((a + Math.imul(i, b)) >>> 0) % bits;
}

export function makeBloom(entries: Iterable<string>): Uint8Array<ArrayBuffer> {
  const all = [...entries];
  const bloom = new Uint8Array(Math.max(8, Math.ceil((all.length * bitsPerEntry) / 8)));
  for (const e of all) for (const at of places(e, bloom.length * 8)) bloom[at >> 3] = (bloom[at >> 3] ?? 0) | (1 << (at & 7));
  return bloom;
}

export function mayHave(bloom: Uint8Array, entry: string): boolean {
  for (const at of places(entry, bloom.length * 8)) if (((bloom[at >> 3] ?? 0) & (1 << (at & 7))) === 0) return false;
  return true;
}

/** The lengths of beginnings that a filter knows, beside whole words: for others it is asked for the next shorter one. */
const prefixes = [6, 4, 2];

/** What a filter holds of words. */
export function wordEntries(terms: Iterable<string>): Set<string> {
  const entries = new Set<string>();
  for (const term of terms) {
    entries.add(`=${term}`);
    for (const n of prefixes) if (term.length >= n) entries.add(`<${term.slice(0, n)}`);
  }
  return entries;
}

/** Whether a word, or one that begins so, may be in the segment. */
export function mayHaveWord(bloom: Uint8Array, term: string, prefix: boolean): boolean {
  if (!prefix) return mayHave(bloom, `=${term}`);
  const n = prefixes.find((p) => p <= term.length);
  return n === undefined || mayHave(bloom, `<${term.slice(0, n)}`);
}

import type { Kind } from "@/matrix/searchTypes.ts";
import { makeBloom, mayHave, mayHaveWord, wordEntries } from "./bloom.ts";
import type { Atom } from "./query.ts";
import { tokenize } from "./tokens.ts";

/** One message as the index keeps it. */
export interface Doc {
  id: string;
  ts: number;
  sender: string;
  text: string;
  kinds: number; // see kindBits
  /** The event that brought this text in place of the first one, "" if none did. */
  edit: string;
  editTs: number;
  /** Only the edit has been seen, not yet the message itself. */
  partial: boolean;
}

const order: readonly Kind[] = ["file", "image", "video", "audio", "link", "poll"];

/** A set of kinds as a number. */
export const kindBits = (kinds: readonly Kind[]): number => kinds.reduce((bits, k) => bits | (1 << order.indexOf(k)), 0);

/**
 * Messages of one room, as they are searched: the words once each, in order, and for each message the sequence of its words' numbers.
 * A beginning of a word is a range of numbers, so words, beginnings and phrases are found by comparing numbers.
 */
export interface Segment {
  docs: Doc[];
  terms: string[];
  seq: Uint16Array;
  /** Where each message's words begin in seq; one more for the end. */
  offsets: number[];
  /** Messages by their own id and that of their edit. */
  byId: Map<string, number>;
}

/** When a segment is full: its number of messages and of letters. Numbers of words stay within 16 bits with it. */
const maxDocs = 512;
const maxLetters = 200_000;
/** More of one message is not searched. */
export const maxText = 16_000;

export const isFull = (docs: readonly Doc[]): boolean => docs.length >= maxDocs || docs.reduce((n, d) => n + d.text.length, 0) >= maxLetters;

const asc = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function index(docs: Doc[]): Map<string, number> {
  const byId = new Map<string, number>();
  docs.forEach((d, i) => {
    byId.set(d.id, i);
    if (d.edit !== "") byId.set(d.edit, i);
  });
  return byId;
}

/** Makes a segment that can be searched. `known` gives the words of messages that were in one before. */
export function pack(docs: Doc[], known: WeakMap<Doc, string[]> = new WeakMap()): Segment {
  const words = docs.map((d) => {
    let terms = known.get(d);
    if (terms === undefined) known.set(d, (terms = tokenize(d.text).map((t) => t.term)));
    return terms;
  });
  const terms = [...new Set(words.flat())].sort(asc);
  const numbers = new Map(terms.map((t, i) => [t, i]));
  const offsets = [0];
  for (const w of words) offsets.push((offsets.at(-1) ?? 0) + w.length);
  const seq = new Uint16Array(offsets.at(-1) ?? 0);
  let at = 0;
  for (const w of words) for (const term of w) seq[at++] = numbers.get(term) as number;
  return { docs, terms, seq, offsets, byId: index(docs) };
}

/** The words of a packed message, so that packing it again need not cut its text. */
export function wordsOf(s: Segment, known: WeakMap<Doc, string[]>): void {
  s.docs.forEach((d, i) => known.set(d, [...s.seq.subarray(s.offsets[i], s.offsets[i + 1])].map((n) => s.terms[n] as string)));
}

interface Head {
  terms: string; // by line
  ids: string; // by space, as the senders
  senders: string;
  by: number[];
  ts: number[]; // the first, then differences
  kinds: number[];
  words: number[];
  texts: string[];
  edits: [number, string, number][];
  partial: number[];
}

/** The segment's bytes: the length of a JSON text, that, and the numbers of the words. */
export function encode(s: Segment): Uint8Array<ArrayBuffer> {
  const { docs } = s;
  const senders = [...new Set(docs.map((d) => d.sender))];
  const head: Head = {
    terms: s.terms.join("\n"),
    ids: docs.map((d) => d.id).join(" "),
    senders: senders.join(" "),
    by: docs.map((d) => senders.indexOf(d.sender)),
    ts: docs.map((d, i) => d.ts - (docs[i - 1]?.ts ?? 0)),
    kinds: docs.map((d) => d.kinds),
    words: docs.map((_, i) => (s.offsets[i + 1] as number) - (s.offsets[i] as number)),
    texts: docs.map((d) => d.text),
    edits: docs.flatMap((d, i): [number, string, number][] => (d.edit === "" ? [] : [[i, d.edit, d.editTs]])),
    partial: docs.flatMap((d, i) => (d.partial ? [i] : [])),
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const start = 4 + json.length + (json.length % 2);
  const bytes = new Uint8Array(start + s.seq.length * 2);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, json.length);
  bytes.set(json, 4);
  s.seq.forEach((n, i) => view.setUint16(start + 2 * i, n, true));
  return bytes;
}

export function decode(bytes: Uint8Array<ArrayBuffer>): Segment {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Head;
  const senders = head.senders.split(" ");
  let ts = 0;
  const docs = (head.ids === "" ? [] : head.ids.split(" ")).map((id, i): Doc => {
    ts += head.ts[i] as number;
    return { id, ts, sender: senders[head.by[i] as number] as string, text: head.texts[i] as string, kinds: head.kinds[i] as number, edit: "", editTs: 0, partial: false };
  });
  for (const [i, edit, editTs] of head.edits) Object.assign(docs[i] as Doc, { edit, editTs });
  for (const i of head.partial) (docs[i] as Doc).partial = true;
  const offsets = [0];
  for (const n of head.words) offsets.push((offsets.at(-1) ?? 0) + n);
  const start = 4 + length + (length % 2);
  const seq = new Uint16Array(offsets.at(-1) ?? 0);
  for (let i = 0; i < seq.length; i++) seq[i] = view.getUint16(start + 2 * i, true);
  return { docs, terms: head.terms === "" ? [] : head.terms.split("\n"), seq, offsets, byId: index(docs) };
}

/** Says of a segment what is in it for certain not. */
export function bloomOf(s: Segment): Uint8Array<ArrayBuffer> {
  const entries = wordEntries(s.terms);
  for (const id of s.byId.keys()) entries.add(id);
  return makeBloom(entries);
}

export const mayHaveId = (bloom: Uint8Array, id: string): boolean => mayHave(bloom, id);
export const mayMatch = (bloom: Uint8Array, atoms: readonly Atom[]): boolean => atoms.every((a) => a.terms.every((t, i) => mayHaveWord(bloom, t, a.prefix && i === a.terms.length - 1)));

type Range = readonly [from: number, to: number];

function below(terms: string[], text: string): number {
  let [low, high] = [0, terms.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((terms[middle] as string) < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The numbers of a word, or of all words that begin so. */
function range(terms: string[], term: string, prefix: boolean): Range {
  const from = below(terms, term);
  if (!prefix) return [from, terms[from] === term ? from + 1 : from];
  let to = from;
  while (to < terms.length && (terms[to] as string).startsWith(term)) to++;
  return [from, to];
}

/** The messages that have all atoms, by their place. */
export function matching(s: Segment, atoms: readonly Atom[]): number[] {
  const wanted = atoms.map((a) => a.terms.map((t, i) => range(s.terms, t, a.prefix && i === a.terms.length - 1)));
  if (wanted.some((ranges) => ranges.some(([from, to]) => from === to))) return [];
  const found: number[] = [];
  for (let d = 0; d < s.docs.length; d++) {
    const [start, end] = [s.offsets[d] as number, s.offsets[d + 1] as number];
    if (wanted.every((ranges) => stands(s.seq, start, end, ranges))) found.push(d);
  }
  return found;
}

/** Whether words of these ranges follow each other somewhere. */
function stands(seq: Uint16Array, start: number, end: number, ranges: readonly Range[]): boolean {
  for (let i = start; i + ranges.length <= end; i++) {
    if (ranges.every(([from, to], k) => (seq[i + k] as number) >= from && (seq[i + k] as number) < to)) return true;
  }
  return false;
}

/** How well a message fits: whole words count more than beginnings, often more than once, short messages more than long ones. */
export function score(s: Segment, d: number, atoms: readonly Atom[]): number {
  const [start, end] = [s.offsets[d] as number, s.offsets[d + 1] as number];
  let points = 0;
  for (const a of atoms) {
    const last = a.terms.at(-1) ?? "";
    const [from, to] = range(s.terms, last, a.prefix);
    const whole = s.terms[from] === last ? from : -1;
    let [exact, begun] = [0, 0];
    for (let i = start; i < end; i++) {
      const n = s.seq[i] as number;
      if (n === whole) exact++;
      else if (n >= from && n < to) begun++;
    }
    points += (Math.log2(1 + exact) * 2 + Math.log2(1 + begun)) * a.terms.length;
  }
  return points / Math.log2(4 + end - start);
}

import type { Atom } from "./query.ts";
import { tokenize } from "./tokens.ts";

/** A piece of a text; `hit` is what was looked for. */
export interface Piece {
  text: string;
  hit: boolean;
}

const before = 60;
const length = 220;

/** Where the atoms stand in a text. */
function hits(text: string, atoms: readonly Atom[]): [number, number][] {
  const tokens = tokenize(text);
  const found: [number, number][] = [];
  for (const { terms, prefix } of atoms) {
    const fits = (i: number) =>
      terms.every((t, k) => {
        const term = tokens[i + k]?.term;
        return term === t || (prefix && k === terms.length - 1 && term?.startsWith(t) === true);
      });
    for (let i = 0; i + terms.length <= tokens.length; i++) if (fits(i)) found.push([tokens[i]?.start as number, tokens[i + terms.length - 1]?.end as number]);
  }
  found.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  const merged: [number, number][] = [];
  for (const [start, end] of found) {
    const last = merged.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** The part of a message around what was looked for, in pieces. */
export function excerpt(text: string, atoms: readonly Atom[]): Piece[] {
  const found = hits(text, atoms);
  const first = found[0]?.[0] ?? 0;
  let from = first <= before ? 0 : first - before;
  // Not in the middle of a word, if one begins soon; never in the middle of a character.
  const gap = from === 0 ? -1 : text.slice(from, first).search(/\s\S/);
  if (gap >= 0) from += gap + 1;
  else if (from > 0 && /[\udc00-\udfff]/.test(text[from] ?? "")) from++;
  let to = Math.min(text.length, Math.max(from + length, found[0]?.[1] ?? 0));
  if (/[\udc00-\udfff]/.test(text[to] ?? "")) to++;
  const pieces: Piece[] = [];
  const add = (piece: string, hit: boolean) => piece !== "" && pieces.push({ text: piece.replace(/\s+/g, " "), hit });
  if (from > 0) add("… ", false);
  let at = from;
  for (const [start, end] of found) {
    if (start >= to) break;
    add(text.slice(at, start), false);
    add(text.slice(start, Math.min(end, to)), true);
    at = Math.min(end, to);
  }
  add(text.slice(at, to), false);
  if (to < text.length) add(" …", false);
  return pieces;
}

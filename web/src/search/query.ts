import type { Kind } from "@/matrix/searchTypes.ts";
import { tokenize } from "./tokens.ts";

/** Words that have to follow each other. `prefix`: the last one may be the beginning of a longer word. */
export interface Atom {
  terms: string[];
  prefix: boolean;
}

/** What somebody looks for. Times are in milliseconds: `after` and later, earlier than `before`. */
export interface Query {
  atoms: Atom[];
  from: string[];
  in: string[];
  has: Kind[];
  after: number | null;
  before: number | null;
}

export type FilterName = "from" | "in" | "has" | "after" | "before" | "on";

const names: Record<string, FilterName> = {
  from: "from", in: "in", has: "has", after: "after", before: "before", on: "on", von: "from", hat: "has", nach: "after", seit: "after", vor: "before", am: "on",
};
const kinds: Record<string, Kind> = {
  file: "file", image: "image", picture: "image", photo: "image", video: "video", audio: "audio", voice: "audio", link: "link", poll: "poll",
  datei: "file", bild: "image", foto: "image", film: "video", sprache: "audio", umfrage: "poll",
};

interface Part {
  filter: FilterName | null;
  value: string;
  quoted: boolean;
  start: number;
  end: number;
}

// A filter with its value, words in quotation marks (a missing second one stands at the end), or one word.
const part = /([\p{L}]+):(?:["“„]([^"“”]*)["“”]?|(\S+))|["“„]([^"“”]*)["“”]?|\S+/gu;

/** The parts of a query. What looks like a filter but is none, as an address of the web, is a word. */
function parts(text: string): Part[] {
  return [...text.matchAll(part)].map((m) => {
    const place = { start: m.index, end: m.index + m[0].length };
    const filter = m[1] === undefined ? undefined : names[m[1].toLowerCase()];
    const value = m[2] ?? m[3] ?? "";
    if (filter !== undefined && valid(filter, value)) return { filter, value, quoted: false, ...place };
    return { filter: null, value: m[4] ?? m[0], quoted: m[4] !== undefined, ...place };
  });
}

function valid(filter: FilterName, value: string): boolean {
  if (filter === "has") return kinds[value.toLowerCase()] !== undefined;
  if (filter === "from" || filter === "in") return value.trim() !== "";
  return dayOf(value) !== null;
}

/** The first moment of a day, where the user is: 2026-11-30, or 30.11.2026 as German writes it. Null: no day. */
export function dayOf(text: string): number | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  const german = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  const [year, month, day] = iso ? [iso[1], iso[2], iso[3]].map(Number) : german ? [german[3], german[2], german[1]].map(Number) : [];
  if (year === undefined || month === undefined || day === undefined) return null;
  const date = new Date(year, month - 1, day);
  return date.getMonth() === month - 1 && date.getDate() === day ? date.getTime() : null;
}

function dayAfter(start: number): number {
  const date = new Date(start);
  date.setDate(date.getDate() + 1);
  return date.getTime();
}

/** Reads what was typed. All that it says has to hold: each word is the beginning of one in the message, words in quotation marks stand there as they are. */
export function parseQuery(text: string): Query {
  const q: Query = { atoms: [], from: [], in: [], has: [], after: null, before: null };
  const after = (t: number) => (q.after = Math.max(q.after ?? t, t));
  const before = (t: number) => (q.before = Math.min(q.before ?? t, t));
  for (const p of parts(text)) {
    if (p.filter === null) {
      const terms = tokenize(p.value).map((t) => t.term);
      if (terms.length > 0) q.atoms.push({ terms, prefix: !p.quoted });
    } else if (p.filter === "from" || p.filter === "in") {
      q[p.filter].push(p.value.trim());
    } else if (p.filter === "has") {
      q.has.push(kinds[p.value.toLowerCase()] as Kind);
    } else {
      const day = dayOf(p.value) as number;
      if (p.filter !== "before") after(day);
      if (p.filter !== "after") before(p.filter === "on" ? dayAfter(day) : day);
    }
  }
  return q;
}

/** Whether nothing is looked for. */
export const isEmpty = (q: Query): boolean => q.atoms.length + q.from.length + q.in.length + q.has.length === 0 && q.after === null && q.before === null;

/** The values of a filter, as they were typed. */
export const filterValues = (text: string, name: FilterName): string[] => parts(text).filter((p) => p.filter === name).map((p) => p.value);

/** The query with these values of one filter in place of those that it has. */
export function withFilter(text: string, name: FilterName, values: string[]): string {
  let rest = "";
  let at = 0;
  for (const p of parts(text)) {
    if (p.filter !== name) continue;
    rest += text.slice(at, p.start);
    at = p.end;
  }
  rest = (rest + text.slice(at)).replace(/ {2,}/g, " ").trim();
  const added = values.map((v) => `${name}:${/\s/.test(v) ? `"${v}"` : v}`);
  return [rest, ...added].filter((s) => s !== "").join(" ");
}

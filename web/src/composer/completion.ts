/** What is being completed: which list, the letters so far, and where they stand in the text. */
export interface Trigger {
  kind: "person" | "room" | "emoji" | "command";
  query: string;
  from: number;
  to: number;
}

const first: Record<string, Trigger["kind"]> = { "@": "person", "#": "room", ":": "emoji" };

/** The word before the caret that can be completed, if there is one. */
export function triggerAt(text: string, caret: number): Trigger | null {
  const before = text.slice(0, caret);
  const command = /^\/([a-z]*)$/i.exec(before);
  if (command) return { kind: "command", query: command[1] ?? "", from: 0, to: caret };
  // A name may have one space in it: "@Anna Be".
  const found = /(?:^|[\s([{"'])([@#:])([^\s@#:]*(?: [^\s@#:]+)?)$/u.exec(before);
  if (!found) return null;
  const kind = first[found[1] as string] as Trigger["kind"];
  const query = found[2] ?? "";
  if (kind !== "person" && query.includes(" ")) return null;
  if (kind === "emoji" && !/^[\p{L}\p{N}_+-]{2,}$/u.test(query)) return null;
  return { kind, query, from: caret - query.length - 1, to: caret };
}

/** Letters without accents and case. */
export const fold = (s: string): string => s.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();

/** How well a text fits what was typed: 3 as its beginning, 2 as the beginning of a word in it, 1 anywhere, 0 not. */
export function score(text: string, query: string): number {
  const [t, q] = [fold(text), fold(query)];
  if (q === "") return 1;
  if (t.startsWith(q)) return 3;
  if (t.split(/[\s._:@#-]+/u).some((w) => w.startsWith(q))) return 2;
  return t.includes(q) ? 1 : 0;
}

/** The best few of a list, the list's own order within the same score. */
export function best<T>(list: readonly T[], texts: (item: T) => readonly string[], query: string, limit = 8): T[] {
  return list
    .map((item, i) => ({ item, i, s: Math.max(0, ...texts(item).map((t, n) => score(t, query) - n * 0.01)) }))
    .filter((x) => x.s > 0)
    .sort((a, b) => b.s - a.s || a.i - b.i)
    .slice(0, limit)
    .map((x) => x.item);
}

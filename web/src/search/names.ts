import { fold } from "./tokens.ts";

interface Named {
  id: string;
  names: string[];
}

/** Whom or what a filter means: an id is meant exactly; otherwise each word is the beginning of one in a name. Null: there is no such filter. */
export function idsOf(wanted: readonly string[], all: () => readonly Named[], self: readonly [names: readonly string[], id: string] = [[], ""]): string[] | null {
  if (wanted.length === 0) return null;
  let known: readonly Named[] | undefined;
  const found = new Set<string>();
  for (const w of wanted) {
    if (self[0].includes(w.toLowerCase())) found.add(self[1]);
    else if (/^[@!]/.test(w)) found.add(w);
    else {
      const words = parts(w.replace(/^#/, ""));
      known ??= all();
      for (const k of known) if ([k.id, ...k.names].some((n) => fits(words, parts(n)))) found.add(k.id);
    }
  }
  return [...found];
}

const parts = (name: string): string[] => fold(name).split(/[^\p{L}\p{N}\p{M}]+/u).filter((p) => p !== "");
const fits = (words: string[], name: string[]): boolean => words.length > 0 && words.every((w) => name.some((n) => n.startsWith(w)));

/** One word of a text, as it is compared, and where it stands there. */
export interface Token {
  term: string;
  start: number;
  end: number;
}

// Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic: people leave them out when they search. The vowel signs of Indic scripts are
// marks too, but make another word.
const accents = /[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0670]/g;
const letters: Record<string, string> = { ß: "ss", æ: "ae", œ: "oe", ø: "o", đ: "d", ð: "d", ł: "l", þ: "th", ı: "i", ς: "σ" };
const special = /[ßæœøđðłþıς]/g;
const ascii = /^[\x20-\x7e]*$/;

/** A word without what does not count: case, accents, width, ligatures. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (ascii.test(lower)) return lower;
  return lower.normalize("NFKD").replace(accents, "").normalize("NFC").toLowerCase().replace(special, (c) => letters[c] ?? c);
}

const run = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
const apart = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc]/u;
const unspaced = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const beyond = /[^\u0000-\u0dff]/; // none of those scripts stands before

let segmenter: Intl.Segmenter | null | undefined;

/** The browser's own knowledge of words, where it has it. */
function words(text: string): { segment: string; index: number }[] {
  segmenter ??= typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, { granularity: "word" }) : null;
  return segmenter === null ? [{ segment: text, index: 0 }] : [...segmenter.segment(text)];
}

/** Longer ones are no words: keys, addresses, pasted data. Their beginning is found. */
const longest = 64;

/**
 * Cuts a text into words. Letters and digits that follow each other are one, so every part of an address or a file name is found. Chinese and
 * Japanese are cut into characters: where their words begin depends on what stands around them, and a search for a part of a sentence has to
 * find it; characters that were written together have to stand together. Thai, Lao, Khmer and Burmese are cut by Intl.Segmenter.
 */
export function tokenize(text: string): Token[] {
  const found: Token[] = [];
  const add = (word: string, start: number) => {
    const term = fold(word).slice(0, longest);
    if (term !== "") found.push({ term, start, end: start + word.length });
  };
  for (const match of text.matchAll(run)) {
    const [word] = match;
    if (!beyond.test(word)) add(word, match.index);
    else if (apart.test(word)) characters(word, match.index, add);
    else if (unspaced.test(word)) for (const { segment, index } of words(word)) add(segment, match.index + index);
    else add(word, match.index);
  }
  return found;
}

function characters(word: string, start: number, add: (word: string, start: number) => void): void {
  let rest = "";
  let at = start;
  for (const c of word) {
    if (apart.test(c)) {
      if (rest !== "") add(rest, at - rest.length);
      rest = "";
      add(c, at);
    } else rest += c;
    at += c.length;
  }
  if (rest !== "") add(rest, at - rest.length);
}

/** A text with a part of it marked. */
export interface Marked {
  text: string;
  from: number;
  to: number;
}

/** The signs around what is formatted, by the name of their shortcut. */
export const signs = { bold: "**", italic: "*", strike: "~~", code: "`" } as const;
export type Format = keyof typeof signs;

/** How many times in a row a sign stands before (-1) or from (1) a place on. */
function run(text: string, at: number, step: 1 | -1, sign: string): number {
  let n = 0;
  while (text[step > 0 ? at + n : at - 1 - n] === sign) n++;
  return n;
}

/** Whether signs that stand on both sides of a text mean this format: of three asterisks, two are bold and one italic. */
function means(before: number, after: number, format: Format): boolean {
  const both = Math.min(before, after);
  if (format === "italic") return both === 1 || both === 3;
  return format === "code" ? both === 1 : both >= 2;
}

/** Puts the signs of a format around what is marked, or takes them away where they are. */
export function toggle({ text, from, to }: Marked, format: Format): Marked {
  // Signs beside white space mean nothing.
  while (from < to && /\s/.test(text[from] as string)) from++;
  while (to > from && /\s/.test(text[to - 1] as string)) to--;
  const sign = signs[format];
  const n = sign.length;
  const marked = text.slice(from, to);
  if (format === "code" && marked.includes("\n")) {
    const [open, close] = [`${from > 0 && text[from - 1] !== "\n" ? "\n" : ""}\`\`\`\n`, `\n\`\`\`${to < text.length && text[to] !== "\n" ? "\n" : ""}`];
    return { text: text.slice(0, from) + open + marked + close + text.slice(to), from: from + open.length, to: to + open.length };
  }
  const one = sign[0] as string;
  if (means(run(text, from, -1, one), run(text, to, 1, one), format)) {
    return { text: text.slice(0, from - n) + marked + text.slice(to + n), from: from - n, to: to - n };
  }
  if (marked.length > 2 * n && means(run(marked, 0, 1, one), run(marked, marked.length, -1, one), format)) {
    return { text: text.slice(0, from) + marked.slice(n, -n) + text.slice(to), from, to: to - 2 * n };
  }
  return { text: text.slice(0, from) + sign + marked + sign + text.slice(to), from: from + n, to: to + n };
}

/** Types a new text into a field in place of its own, so that it can be undone; says whether the browser could. */
export function retype(field: HTMLTextAreaElement, next: string): boolean {
  const old = field.value;
  const most = Math.min(old.length, next.length);
  let before = 0;
  while (before < most && old[before] === next[before]) before++;
  let after = 0;
  while (after < most - before && old[old.length - 1 - after] === next[next.length - 1 - after]) after++;
  field.focus();
  field.setSelectionRange(before, old.length - after);
  const piece = next.slice(before, next.length - after);
  // Deprecated, and the only way into the history of what was typed.
  return typeof document.execCommand === "function" && (piece === "" ? document.execCommand("delete") : document.execCommand("insertText", false, piece));
}

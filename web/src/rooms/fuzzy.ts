/** Letters without marks, small: "Ä" is found by "a". */
export function plain(s: string): string {
  return s.normalize("NFKD").replace(/\p{M}/gu, "").replace(/ß/g, "ss").toLocaleLowerCase();
}

/**
 * How well a text fits what was typed: 0 not at all, more is better. The whole text, its beginning, the beginning of a word and any part
 * come in this order; then the letters of the query in their order, as in "mkt" for "Marketing". Each word of a query must fit.
 */
export function fit(query: string, text: string): number {
  const q = plain(query).trim();
  const t = plain(text);
  if (q === "") return 1;
  if (t === q) return 100;
  const whole = fitWord(q, t);
  if (whole > 0 || !q.includes(" ")) return whole;
  const each = q.split(/\s+/).map((w) => fitWord(w, t));
  return each.includes(0) ? 0 : each.reduce((a, b) => a + b, 0) / each.length - 1;
}

function fitWord(q: string, t: string): number {
  if (t.startsWith(q)) return 90 - Math.min(9, t.length / 20);
  const at = t.indexOf(q);
  if (at > 0) return /[\p{L}\p{N}]/u.test(t[at - 1] ?? "") ? 50 : 70;
  return inOrder(q, t);
}

function inOrder(q: string, t: string): number {
  if (q.length < 2) return 0;
  let from = 0;
  let gaps = 0;
  let starts = 0;
  for (const c of q) {
    const at = t.indexOf(c, from);
    if (at < 0) return 0;
    if (at > from) gaps += at - from;
    if (at === 0 || !/[\p{L}\p{N}]/u.test(t[at - 1] ?? "")) starts += 1;
    from = at + 1;
  }
  // Letters strewn over a long text are no match: at least one stands at the beginning of a word, and they stand near each other.
  if (starts === 0 || gaps > q.length * 6) return 0;
  return Math.max(1, 30 + (starts * 10) / q.length - gaps / 2);
}

/** The start of a day in the browser's time zone, or of the day after it. */
export function day(text: string, after = false): number | undefined {
  const [y, m, d] = text.split("-").map(Number);
  return y && m && d ? new Date(y, m - 1, d + (after ? 1 : 0)).getTime() : undefined;
}

/*
 * Which letters look like which others, so that two people whose names look the same are told apart. The SDK asks for it by the name of
 * a package with a large table; here the table is loaded beside the encryption, before the first sync is looked at.
 */
let table: Record<string, string> = {};
let pattern: RegExp | null = null;

/** Replaces each letter by the plainest that looks like it. */
export default function unhomoglyph(text: string): string {
  return pattern === null ? text : text.replace(pattern, (found) => table[found] ?? found);
}

export async function loadLookalikes(): Promise<void> {
  table = (await import("unhomoglyph/data.json")).default;
  const escaped = Object.keys(table).map((s) => s.replace(/[.?*+^$[\]\\(){}|-]/g, "\\$&"));
  pattern = new RegExp(escaped.join("|"), "g");
}

/** Whether a text cannot be a user name. Spec: appendices#user-identifiers */
export function nameProblem(name: string): boolean {
  return !/^[a-z0-9._=/+-]+$/.test(name) || name.length > 200;
}

const units: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, ki: 1024, mi: 1024 ** 2, gi: 1024 ** 3, ti: 1024 ** 4 };

/** Reads "50 MB", "1.5 GiB" or plain bytes, with point or comma; null if it is none of them. */
export function parseBytes(text: string): number | null {
  const m = /^\s*(\d+(?:[.,]\d+)?)\s*([kmgt]?i?)b?(?:yte)?s?\s*$/i.exec(text);
  const unit = units[m?.[2]?.toLowerCase() ?? "?"];
  if (!m || unit === undefined) return null;
  const n = Math.round(Number((m[1] ?? "").replace(",", ".")) * unit);
  return Number.isSafeInteger(n) ? n : null;
}

/** Writes bytes so that parseBytes reads the same number. */
export function writeBytes(n: number): string {
  for (const [unit, size] of [["TiB", 1024 ** 4], ["GiB", 1024 ** 3], ["MiB", 1024 ** 2], ["KiB", 1024], ["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]] as const) {
    if (n >= size && n % size === 0) return `${n / size} ${unit}`;
  }
  return String(n);
}

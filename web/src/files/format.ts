const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** A size in the reader's language, with at most three digits: `1.4 MB`. */
export function formatBytes(bytes: number, language: string): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return new Intl.NumberFormat(language, { style: "unit", unit: units[unit] as string, unitDisplay: unit === 0 ? "long" : "short", maximumFractionDigits: unit > 0 && value < 10 ? 1 : 0 }).format(value);
}

/** A length of time as players show it: `1:05`, `1:00:05`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

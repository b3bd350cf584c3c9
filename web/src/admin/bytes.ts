const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** A number of bytes as people say it. */
export function bytes(n: number, language: string): string {
  let i = 0;
  let v = n;
  while (v >= 1000 && i < units.length - 1) {
    v /= 1000;
    i++;
  }
  return new Intl.NumberFormat(language, { style: "unit", unit: units[i] ?? "byte", unitDisplay: "short", maximumFractionDigits: v < 10 && i > 0 ? 1 : 0 }).format(v);
}

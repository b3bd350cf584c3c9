import { clockOptions } from "@/app/appearance.ts";

const made = new Map<string, Intl.DateTimeFormat>();

/** A formatter of times, made once for each language and form: a browser takes longer to make one than to draw a row. */
export function formatter(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language} ${JSON.stringify(options)}`;
  let f = made.get(key);
  if (!f) made.set(key, (f = new Intl.DateTimeFormat(language, options)));
  return f;
}

const steps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [7, "day"],
];

/** How long ago something was, up to a week; then its day. */
export function ago(time: number, language: string, now: number = Date.now()): string {
  let n = (time - now) / 1000;
  const words = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  if (Math.abs(n) < 60) return words.format(0, "minute");
  for (const [size, unit] of steps) {
    if (Math.abs(n) < size) return words.format(Math.trunc(n), unit);
    n /= size;
  }
  return formatter(language, { dateStyle: "medium" }).format(time);
}

/** Day and time of day. */
export function moment(time: number, language: string): string {
  return formatter(language, { year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", ...clockOptions() }).format(time);
}

import { clockOptions } from "@/app/appearance.ts";

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
  return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(time);
}

/** Day and time of day. */
export function moment(time: number, language: string): string {
  return new Intl.DateTimeFormat(language, { year: "numeric", month: "short", day: "numeric", hour: "numeric", minute: "2-digit", ...clockOptions() }).format(time);
}

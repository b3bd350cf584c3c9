import { expect, test } from "vitest";
import { ago } from "./when.ts";

const now = Date.UTC(2026, 5, 15, 12);
const minute = 60_000;

test.each([
  [now - 5_000, "en", "this minute"],
  [now - 3 * minute, "en", "3 minutes ago"],
  [now - 90 * minute, "en", "1 hour ago"],
  [now - 24 * 60 * minute, "de", "gestern"],
  [now - 30 * 24 * 60 * minute, "en-GB", "16 May 2026"],
])("%d in %s", (time, language, text) => {
  expect(ago(time, language, now)).toBe(text);
});

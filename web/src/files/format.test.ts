import { expect, test } from "vitest";
import { formatBytes, formatDuration } from "./format.ts";

test.each([
  [0, "en", "0 bytes"],
  [1, "en", "1 byte"],
  [999, "en", "999 bytes"],
  [1000, "en", "1 kB"],
  [1440, "de", "1,4 kB"],
  [52_428_800, "en", "52 MB"],
  [1_073_741_824, "en", "1.1 GB"],
  [5e12, "en", "5,000 GB"],
])("%d bytes in %s are %j", (bytes, language, text) => expect(formatBytes(bytes, language)).toBe(text));

test.each([
  [0, "0:00"],
  [64_600, "1:05"],
  [3_605_000, "1:00:05"],
])("%d ms are %j", (ms, text) => expect(formatDuration(ms)).toBe(text));

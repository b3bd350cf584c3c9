import { expect, test } from "vitest";
import { nameProblem, parseBytes, writeBytes } from "./check.ts";

test.each([
  ["1024", 1024],
  ["50 MB", 50_000_000],
  ["1,5 GiB", 1_610_612_736],
  ["2k", 2000],
  ["10 kib", 10_240],
  ["", null],
  ["many", null],
  ["-1", null],
  ["1 PB", null],
])("%j is %s bytes", (text, n) => {
  expect(parseBytes(text)).toBe(n);
});

test.each([0, 1, 1000, 1024, 50_000_000, 52_428_800, 123_456_789])("%d bytes are read as they were written", (n) => {
  expect(parseBytes(writeBytes(n))).toBe(n);
});

test("user names have the letters of the specification", () => {
  expect(["alice", "a.b-c_d=e/f+g", "x9"].filter(nameProblem)).toEqual([]);
  expect(["", "Alice", "al ice", "ålice", "a:b"].filter((n) => !nameProblem(n))).toEqual([]);
});

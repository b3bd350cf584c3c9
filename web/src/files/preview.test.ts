import { expect, test } from "vitest";
import { density, pageTyped, previewOf, readText, zoomed } from "./preview.ts";

const file = (mime: string, name = "x", size: number | null = 1) => previewOf({ mime, name, size, kind: "file" });

test.each([
  ["application/pdf", "a", "pdf"],
  ["Application/PDF; x=1", "a", "pdf"],
  ["application/octet-stream", "Report.PDF", "pdf"],
  ["", "a.pdf", "pdf"],
  ["text/plain", "a.pdf", "text"],
  ["text/plain; charset=utf-8", "a", "text"],
  ["text/csv", "a", "text"],
  ["application/json", "a", "text"],
  ["", "server.LOG", "text"],
  ["application/octet-stream", "a.bin", null],
  ["application/zip", "a.txt", null],
  ["text/html", "a.html", null],
  ["image/svg+xml", "a.svg", null],
] as const)("%s, %s is shown as %s", (mime, name, want) => expect(file(mime, name)).toBe(want));

test("what is huge, or not a file, is not shown", () => {
  expect(file("application/pdf", "a", 100_000_001)).toBeNull();
  expect(file("text/plain", "a", 20_000_001)).toBeNull();
  expect(file("application/pdf", "a", null)).toBe("pdf");
  expect(previewOf({ mime: "text/plain", name: "a", size: 1, kind: "audio" })).toBeNull();
});

test("text is read in its encoding, and not beyond the limit", () => {
  const utf8 = new TextEncoder().encode("Zürich ✓");
  expect(readText(utf8)).toEqual({ text: "Zürich ✓", cut: false });
  expect(readText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toEqual({ text: "a", cut: false });
  expect(readText(Uint8Array.of(0x5a, 0xfc, 0x72))).toEqual({ text: "Zür", cut: false }); // windows-1252
  expect(readText(Uint8Array.of(0xff, 0xfe, 0x61, 0, 0xfc, 0))).toEqual({ text: "aü", cut: false });
  expect(readText(Uint8Array.of(0xfe, 0xff, 0, 0x61))).toEqual({ text: "a", cut: false });
  // The limit falls into the ü and into the ✓.
  expect(readText(utf8, 2)).toEqual({ text: "Z", cut: true });
  expect(readText(utf8, utf8.length - 1)).toEqual({ text: "Zürich ", cut: true });
  expect(readText(Uint8Array.of(0x61, 0, 1))).toBeNull();
});

test("a page is as sharp as the screen, and no larger than browsers can draw", () => {
  expect(density(800, 1131, 2)).toBe(2);
  const d = density(4000, 5657, 3);
  expect(4000 * 5657 * d * d).toBeCloseTo(16_000_000, -1);
  expect(density(20_000, 100, 1) * 20_000).toBeCloseTo(8192);
});

test("zoom goes step by step and ends", () => {
  expect([zoomed(1, 1), zoomed(1, -1), zoomed(4, 1), zoomed(0.5, -1)]).toEqual([1.25, 0.75, 4, 0.5]);
});

test("a page's number is what was typed, up to the last", () => {
  expect([pageTyped("3", 10), pageTyped(" 99 ", 10), pageTyped("0", 10), pageTyped("x", 10), pageTyped("", 10), pageTyped("1.5", 10)]).toEqual([3, 10, null, null, null, null]);
});

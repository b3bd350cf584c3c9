import { createRequire } from "node:module";
import { expect, test } from "vitest";
import unhomoglyph, { loadLookalikes } from "./lookalikes.ts";

const original = createRequire(import.meta.url)("unhomoglyph") as (text: string) => string;

test("names that look alike become the same, as the package that this stands for makes them", async () => {
  await loadLookalikes();
  expect(unhomoglyph("аlіce")).toBe(unhomoglyph("alice")); // Cyrillic а and і
  for (const name of ["", "Alice", "Αlice", "ΡΑYΡΑL", "l1I|", "rn", "𝒜𝓁𝒾𝒸ℯ", "日本", "a.*+?^$b"]) expect(unhomoglyph(name), name).toBe(original(name));
});

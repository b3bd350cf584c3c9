import { describe, expect, test } from "vitest";
import { emojiNumber } from "./verification-emoji.ts";
import { parseRecoveryKey, RecoveryError } from "./recovery.ts";

// Made by the specification's rules with another implementation: bytes 0 to 31. Spec: appendices#cryptographic-key-representation
const key = "EsSz ykH7 LCZx 7Cae cmKD wcmY JRXi Ybtu 8iQ3 t8Ez nRwK pUY1".replaceAll(" ", "");

function problem(text: string): string {
  try {
    parseRecoveryKey(text);
  } catch (err) {
    if (err instanceof RecoveryError) return err.problem;
    throw err;
  }
  return "";
}

describe("a recovery key as it is typed", () => {
  test.each([
    ["0OIl 0OIl", "characters"],
    ["", "characters"],
    [key.slice(1), "incomplete"],
    [`${key}1`, "incomplete"],
    [`${key.slice(0, 20)}${key[20] === "A" ? "B" : "A"}${key.slice(21)}`, "mistyped"],
  ])("%j is refused as %s", (text, want) => expect(problem(text)).toBe(want));

  test("is read with any white space", () => {
    const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(parseRecoveryKey(key.replace(/(.{4})/g, "$1\n "))).toEqual(bytes);
  });
});

test("emoji have the specification's numbers, coloured or not", () => {
  expect(["🐶", "☁️", "☁", "❤️", "👍", "✂️", "☎️", "📌"].map(emojiNumber)).toEqual([0, 21, 21, 29, 36, 45, 49, 63]);
});

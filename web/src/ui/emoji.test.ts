import { describe, expect, test } from "vitest";
import { loadEmoji, shown } from "./emoji.ts";

describe("emoji", () => {
  test("have the usual short codes and names in English and German", async () => {
    const en = await loadEmoji("en");
    const de = await loadEmoji("de");
    const by = (set: typeof en, code: string) => set.entries.find((e) => e.codes.includes(code));
    expect(by(en, "tada")?.emoji).toBe("🎉");
    expect(by(en, "+1")?.emoji).toBe("👍️");
    expect(by(de, "tada")?.emoji).toBe("🎉");
    expect(de.picker.emojis.find((e) => e.emoji === "🎉")?.label).toBe("Konfettibombe");
    expect(de.entries.length).toBe(en.entries.length);
  });

  test("that have skin tones have all five", async () => {
    const { picker } = await loadEmoji("en");
    expect(picker.emojis.find((e) => e.emoji === "👋")?.skins).toEqual({ light: "👋🏻", "medium-light": "👋🏼", medium: "👋🏽", "medium-dark": "👋🏾", dark: "👋🏿" });
    expect(picker.emojis.find((e) => e.emoji === "🎉")?.skins).toBeUndefined();
  });

  test("that the system's fonts do not have are left out, by version, and flags by themselves", () => {
    const rows: Parameters<typeof shown>[0] = [
      ["😀", "grinning", 0, 1, [], [], 0, []],
      ["🫨", "shaking", 0, 15, [], [], 0, []],
      ["🇩🇪", "Germany", 9, 1, [], [], 1, []],
    ];
    expect(shown(rows, (e) => e === "😀").map((r) => r[0])).toEqual(["😀"]);
    expect(shown(rows, (e) => e !== "🫨").map((r) => r[0])).toEqual(["😀", "🇩🇪"]);
    expect(shown(rows, () => false)).toEqual(rows);
  });
});

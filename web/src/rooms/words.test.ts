import type { TFunction } from "i18next";
import { expect, test } from "vitest";
import type { Preview } from "@/matrix/roomspreview.ts";
import { setAppearance } from "@/app/appearance.ts";
import { agoWords, previewWords, shortTime } from "./words.ts";

const t = ((key: string, o: Record<string, string> = {}) => (key === "preview.you" ? "You" : key === "preview.said" ? `${o.name}: ${o.text}` : key === "preview.image" ? "Photo" : `${key} ${o.name ?? ""}`.trim())) as unknown as TFunction<"rooms">;
const preview = (p: Partial<Preview>): Preview => ({ kind: "text", sender: "Ann", own: false, text: "hello", eventId: "$1", ...p });

test("who spoke is named in rooms, not in chats of two; oneself is in both", () => {
  expect(previewWords(t, preview({}), false)).toBe("Ann: hello");
  expect(previewWords(t, preview({}), true)).toBe("hello");
  expect(previewWords(t, preview({ own: true }), true)).toBe("You: hello");
  expect(previewWords(t, preview({ own: true }), false)).toBe("You: hello");
});

test("a picture is a word, with what was written to it", () => {
  expect(previewWords(t, preview({ kind: "image", text: "" }), true)).toBe("Photo");
  expect(previewWords(t, preview({ kind: "image", text: "our boat" }), false)).toBe("Ann: Photo: our boat");
  expect(previewWords(t, preview({ kind: "none" }), true)).toBe("");
});

test("times are short", () => {
  const now = new Date(2026, 10, 30, 12, 0).getTime();
  expect(shortTime(new Date(2026, 10, 30, 9, 5).getTime(), "en-GB", now)).toBe("09:05");
  expect(shortTime(new Date(2026, 10, 30, 9, 5).getTime(), "en-US", now)).toMatch(/^9:05\sAM$/);
  setAppearance({ clock: "24" });
  expect(shortTime(new Date(2026, 10, 30, 9, 5).getTime(), "en-US", now)).toBe("09:05");
  setAppearance({ clock: "auto" });
  expect(shortTime(new Date(2026, 10, 29, 23, 0).getTime(), "en", now)).toBe("yesterday");
  expect(shortTime(new Date(2026, 10, 29, 23, 0).getTime(), "de", now)).toBe("gestern");
  expect(shortTime(new Date(2026, 10, 26, 9, 0).getTime(), "en", now)).toBe("Thu");
  expect(shortTime(new Date(2026, 2, 1).getTime(), "en", now)).toBe("Mar 1");
  expect(shortTime(new Date(2024, 2, 1).getTime(), "de", now)).toBe("1.3.24");
  expect(shortTime(0, "en", now)).toBe("");
  expect(agoWords(now - 5 * 60_000, "en", now)).toBe("5 minutes ago");
  expect(agoWords(now - 3 * 3_600_000, "de", now)).toBe("vor 3 Stunden");
});

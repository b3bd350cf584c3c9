import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import de from "./de.json";
import en from "./en.json";
import keyNamesDe from "@/ui/de.json";
import keyNamesEn from "@/ui/en.json";
import { signs } from "@/composer/format.ts";
import { ariaKeys, keysOf, names, type Pressed, pressed, shortcuts } from "./shortcuts.ts";

const key = (k: string, more: Partial<Pressed> = {}): Pressed => ({ key: k, code: "", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });
const on = (platform: string) => vi.spyOn(navigator, "platform", "get").mockReturnValue(platform);
afterEach(() => vi.restoreAllMocks());

describe("a key that is pressed", () => {
  test("needs exactly its modifiers", () => {
    on("Linux x86_64");
    expect(pressed(key("k", { ctrlKey: true }), "switcher")).toBe(true);
    expect(pressed(key("k"), "switcher")).toBe(false);
    expect(pressed(key("k", { ctrlKey: true, altKey: true }), "switcher")).toBe(false);
    expect(pressed(key("k", { metaKey: true }), "switcher")).toBe(false);
    expect(pressed(key("f", { ctrlKey: true }), "searchAll")).toBe(false);
    expect(pressed(key("F", { ctrlKey: true, shiftKey: true }), "searchAll")).toBe(true);
    expect(pressed(key("ArrowDown", { altKey: true, shiftKey: true }), "nextChat")).toBe(false);
    expect(pressed(key("ArrowDown", { altKey: true }), "walkMessages")).toBe(false);
  });

  test("is the command key's on a Mac", () => {
    on("MacIntel");
    expect(pressed(key("k", { metaKey: true }), "switcher")).toBe(true);
    expect(pressed(key("k", { ctrlKey: true }), "switcher")).toBe(false);
    expect(ariaKeys("switcher")).toBe("Meta+K");
  });

  test("is found on keyboards of other languages", () => {
    on("Win32");
    // A German slash is Shift 7, a Russian keyboard has л in the place of k.
    expect(pressed(key("/", { code: "Digit7", ctrlKey: true, shiftKey: true }), "shortcuts")).toBe(true);
    expect(pressed(key("л", { code: "KeyK", ctrlKey: true }), "switcher")).toBe(true);
    expect(pressed(key("+", { shiftKey: true }), "react")).toBe(true);
    // A French keyboard has a in the place of q: what is on the key counts.
    expect(pressed(key("a", { code: "KeyQ", ctrlKey: true }), "switcher")).toBe(false);
  });

  test("sends as the user chose", () => {
    on("Linux x86_64");
    expect(pressed(key("Enter"), "send", "enter")).toBe(true);
    expect(pressed(key("Enter", { shiftKey: true }), "send", "enter")).toBe(false);
    expect(pressed(key("Enter"), "send", "ctrl-enter")).toBe(false);
    expect(pressed(key("Enter", { ctrlKey: true }), "send", "ctrl-enter")).toBe(true);
    expect(keysOf("line", "ctrl-enter")).toEqual(["Enter"]);
  });
});

describe("the table", () => {
  test("has a name for each in both languages, and for each key", () => {
    const parts = new Set(names.flatMap((n) => [...shortcuts[n].keys, ...(shortcuts[n].ctrlEnter ?? [])]).flatMap((k) => k.split(" ")).filter((p) => p.length > 1));
    for (const texts of [en, de]) expect(Object.keys(texts.name)).toEqual(names);
    for (const texts of [keyNamesEn, keyNamesDe]) expect([...parts].filter((p) => !(p in texts.key))).toEqual([]);
  });

  test("has no combination twice where both would listen", () => {
    const everywhere = names.filter((n) => shortcuts[n].group !== "viewer" && !shortcuts[n].native).flatMap((n) => keysOf(n)).filter((k) => /\b(mod|alt) /.test(k));
    expect(everywhere.filter((k, i) => everywhere.indexOf(k) !== i)).toEqual([]);
  });

  const src = path.resolve(import.meta.dirname, "..");
  const code = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((f) => /\.tsx?$/.test(f) && !/\.test\.tsx?$/.test(f) && !f.startsWith("keyboard/shortcuts"));
  const text = new Map(code.map((f) => [f, readFileSync(path.join(src, f), "utf8")]));

  test.each(names.filter((n) => !shortcuts[n].native && !(n in signs)))("has a listener for %s", (name) => {
    const listens = new RegExp(`pressed\\(e, "${name}"|\\b${name}: (\\(e?\\) =>|\\w+[ ,}])|key: "${name}"`);
    expect([...text].filter(([, t]) => /shortcuts\.ts"|ShortcutName/i.test(t) && listens.test(t)).map(([f]) => f)).not.toEqual([]);
  });

  test("is the one place that says which keys there are", () => {
    // Fields and lists of choices that only do what every such field does.
    const usual = ["rooms/QuickSwitcher.tsx", "rooms/PeoplePicker.tsx", "settings/PictureCrop.tsx"];
    const found = [...text].filter(([f, t]) => !usual.includes(f) && /\be\.key === "(?!Enter"\)|Arrow)|useHotkeys|(ctrlKey|metaKey) (&&|\|\|) e\.key/.test(t)).map(([f]) => f);
    expect(found).toEqual([]);
  });
});

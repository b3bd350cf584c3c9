import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const src = path.resolve(import.meta.dirname, "..");
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((f) => /\.(tsx?|css|json)$/.test(f));
const read = (f: string) => readFileSync(path.join(src, f), "utf8");
const code = files.filter((f) => /\.tsx?$/.test(f));

describe("the house", () => {
  test("has files of at most 300 lines", () => {
    const long = files.filter((f) => !f.endsWith(".json") && read(f).split("\n").length > 301);
    expect(long).toEqual([]);
  });

  test("speaks to the SDK in one folder alone", () => {
    const strangers = code.filter((f) => !f.startsWith("matrix/") && /from "(matrix-js-sdk|@matrix-org)/.test(read(f)));
    expect(strangers).toEqual([]);
  });

  test("never assigns markup", () => {
    const found = code.filter((f) => !f.endsWith(".test.ts") && !f.endsWith(".test.tsx") && /innerHTML|dangerouslySetInnerHTML|insertAdjacentHTML/.test(read(f)));
    expect(found).toEqual([]);
  });

  test("uses logical properties, so that right-to-left languages fit", () => {
    const physical = /(^|[\s;{])(margin|padding|border)-(left|right)\b|(^|[\s;{])(left|right)\s*:|text-align:\s*(left|right)/m;
    expect(files.filter((f) => f.endsWith(".css") && physical.test(read(f)))).toEqual([]);
  });
});

describe("texts", () => {
  const leaves = (o: object, at = ""): Map<string, string> =>
    new Map(Object.entries(o).flatMap(([k, v]) => (typeof v === "string" ? [[`${at}${k}`, v] as const] : [...leaves(v as object, `${at}${k}.`)])));
  const folders = files.filter((f) => f.endsWith("/en.json")).map((f) => path.dirname(f));
  // Both languages have the same two plural forms.
  test.each(folders)("of %s are there in both languages, with the same places to fill", (folder) => {
    const en = leaves(JSON.parse(read(`${folder}/en.json`)) as object);
    const de = leaves(JSON.parse(read(`${folder}/de.json`)) as object);
    expect([...de.keys()].sort()).toEqual([...en.keys()].sort());
    const places = (s: string) => [...s.matchAll(/{{\s*(\w+)/g)].map((m) => m[1]).sort();
    for (const [key, text] of en) expect(places(de.get(key) ?? ""), key).toEqual(places(text));
  });

  test.each(folders)("of %s use the words of MSC4161", (folder) => {
    for (const file of ["en.json", "de.json"]) {
      for (const [key, text] of leaves(JSON.parse(read(`${folder}/${file}`)) as object)) {
        expect(text, `${folder}/${file} ${key}`).not.toMatch(/cross-signing|megolm|olm\b|secret storage|security key|security phrase/i);
      }
    }
  });
});

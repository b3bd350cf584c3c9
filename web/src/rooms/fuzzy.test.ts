import { describe, expect, test } from "vitest";
import { fit } from "./fuzzy.ts";

/** The texts that fit, best first. */
const ranked = (query: string, ...texts: string[]): string[] =>
  texts.map((t) => ({ t, f: fit(query, t) })).filter((x) => x.f > 0).sort((a, b) => b.f - a.f).map((x) => x.t);

describe("what was typed", () => {
  test("finds the whole name first, then beginnings, then words, then parts", () => {
    expect(ranked("sales", "Wholesales", "Team Sales", "Sales Berlin", "Sales")).toEqual(["Sales", "Sales Berlin", "Team Sales", "Wholesales"]);
  });
  test("does not mind capitals, accents and ß", () => {
    expect(ranked("buro strasse", "Büro Straße")).toEqual(["Büro Straße"]);
    expect(ranked("ZOE", "Zoë Miller")).toEqual(["Zoë Miller"]);
  });
  test("fits words in any order, and all of them", () => {
    expect(ranked("miller zoe", "Zoe Miller", "Zoe Baker")).toEqual(["Zoe Miller"]);
  });
  test("fits first letters and letters left out", () => {
    expect(ranked("ab", "Alice Baker", "Bob Archer")).toEqual(["Alice Baker"]);
    expect(ranked("mktg", "Marketing", "Engineering")).toEqual(["Marketing"]);
  });
  test("does not fit letters strewn anywhere", () => {
    expect(ranked("xyz", "Marketing")).toEqual([]);
    expect(ranked("ate", "The quick brown fox jumps over a lazy tree")).toEqual([]);
  });
  test("that is empty fits all alike", () => {
    expect(fit("", "a")).toBe(fit(" ", "b"));
  });
});

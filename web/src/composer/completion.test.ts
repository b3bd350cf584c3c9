import { describe, expect, test } from "vitest";
import { best, triggerAt } from "./completion.ts";

const at = (text: string) => {
  const t = triggerAt(text, text.length);
  return t && [t.kind, t.query, t.from];
};

describe("completion", () => {
  test.each([
    ["@", ["person", "", 0]],
    ["hi @al", ["person", "al", 3]],
    ["hi (@al", ["person", "al", 4]],
    ["hi @anna be", ["person", "anna be", 3]],
    ["see #bo", ["room", "bo", 4]],
    [":ta", ["emoji", "ta", 0]],
    [":+1", ["emoji", "+1", 0]],
    ["/to", ["command", "to", 0]],
    ["mail a@b", null],
    ["at 10:30", null],
    [":)", null],
    [":t", null],
    ["text /to", null],
    ["hi", null],
    ["@anna be s", null],
  ])("of %j is %j", (text, expected) => expect(at(text)).toEqual(expected));

  test("looks at the caret, not the end", () => {
    expect(triggerAt("@al rest", 3)).toEqual({ kind: "person", query: "al", from: 0, to: 3 });
  });

  test("prefers beginnings, ignores accents, and finds ids", () => {
    const people = [{ n: "Zoe Alm", id: "z" }, { n: "Álvaro", id: "q" }, { n: "Bob", id: "al9" }, { n: "Carl", id: "c" }];
    expect(best(people, (p) => [p.n, p.id], "al").map((p) => p.n)).toEqual(["Álvaro", "Bob", "Zoe Alm"]);
  });
});

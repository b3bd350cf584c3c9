import { describe, expect, test } from "vitest";
import { excerpt } from "./excerpt.ts";
import { parseQuery } from "./query.ts";
import { fold, tokenize } from "./tokens.ts";

const terms = (text: string) => tokenize(text).map((t) => t.term);

describe("words", () => {
  test.each([
    ["Über die STRASSE: Straße, Café!", ["uber", "die", "strasse", "strasse", "cafe"]],
    ["user_name@example.org, v1.19", ["user", "name", "example", "org", "v1", "19"]],
    ["don't e\u0301tude", ["don", "t", "etude"]],
    ["Ελλάς Ёлка İzmir", ["ελλασ", "елка", "izmir"]],
    ["ﬁle ＡＢＣ", ["file", "abc"]],
    ["हिन्दी שָׁלוֹם", ["हिन्दी", "שלום"]],
    ["会议在2026年", ["会", "议", "在", "2026", "年"]],
    ["한국어 문장", ["한국어", "문장"]],
    ["👍 … ---", []],
  ])("of %s", (text, wanted) => expect(terms(text)).toEqual(wanted.map((w) => w.normalize("NFC"))));

  test("of a language without spaces are those that Intl.Segmenter knows", () => {
    expect(terms("สวัสดีครับ")).toEqual(["สวัสดี", "ครับ"]);
  });

  test("say where they stand", () => {
    const text = "Größe 会议 naïve";
    expect(tokenize(text).map(({ start, end }) => text.slice(start, end))).toEqual(["Größe", "会", "议", "naïve"]);
  });

  test("keep the beginning of what is too long for one", () => {
    expect(fold("a".repeat(100))).toHaveLength(100);
    expect(terms("a".repeat(100))).toEqual(["a".repeat(64)]);
  });
});

describe("an excerpt", () => {
  const marked = (text: string, query: string) => excerpt(text, parseQuery(query).atoms).map((p) => (p.hit ? `[${p.text}]` : p.text)).join("");
  test("marks whole words, phrases and characters", () => {
    expect(marked("The Budgets are in the annual budget report", "budg")).toBe("The [Budgets] are in the annual [budget] report");
    expect(marked("annual plan, annual budget", '"annual budget"')).toBe("annual plan, [annual budget]");
    expect(marked("明天的会议室", "会议")).toBe("明天的[会议]室");
    expect(marked("Müller & Söhne", "muller soh")).toBe("[Müller] & [Söhne]");
  });
  test("is cut around what was found", () => {
    const text = `${"lorem ipsum ".repeat(40)}needle ${"dolor sit ".repeat(40)}`;
    const found = marked(text, "needle");
    expect(found).toMatch(/^… .*\[needle\].* …$/);
    expect(found.length).toBeLessThan(260);
  });
  test("shows the beginning where only filters were asked for", () => {
    expect(marked("one\n\ntwo", "has:file")).toBe("one two");
  });
});

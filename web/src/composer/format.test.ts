import { expect, test } from "vitest";
import { toContent } from "./markdown.ts";
import { type Format, toggle } from "./format.ts";

/** A text with its marked part between brackets. */
function read(s: string) {
  const [from, to] = [s.indexOf("["), s.indexOf("]") - 1];
  return { text: s.replace(/[[\]]/g, ""), from, to };
}
const write = (m: { text: string; from: number; to: number }) => `${m.text.slice(0, m.from)}[${m.text.slice(m.from, m.to)}]${m.text.slice(m.to)}`;
const toggled = (s: string, f: Format) => write(toggle(read(s), f));

test.each([
  ["a [word] b", "bold", "a **[word]** b"],
  ["a **[word]** b", "bold", "a [word] b"],
  ["a [**word**] b", "bold", "a [word] b"],
  ["a **[word]** b", "italic", "a ***[word]*** b"],
  ["a ***[word]*** b", "italic", "a **[word]** b"],
  ["a ***[word]*** b", "bold", "a *[word]* b"],
  ["a *[word]* b", "bold", "a ***[word]*** b"],
  ["a [word ]b", "italic", "a *[word]* b"],
  ["[]", "code", "`[]`"],
  ["`[]`", "code", "[]"],
  ["x [a\nb] y", "code", "x \n```\n[a\nb]\n```\n y"],
  ["~~[gone]~~", "strike", "[gone]"],
] as const)("%s, %s: %s", (before, format, after) => expect(toggled(before, format)).toBe(after));

test("what is marked is formatted when it is sent", () => {
  for (const [format, tag] of [["bold", "strong"], ["italic", "em"], ["code", "code"], ["strike", "del"]] as const) {
    expect(toContent(toggle(read("a [word ]b"), format).text, []).html).toBe(`a <${tag}>word</${tag}> b`);
  }
});

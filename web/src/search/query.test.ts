import { describe, expect, test } from "vitest";
import { idsOf } from "./names.ts";
import { filterValues, isEmpty, parseQuery, withFilter } from "./query.ts";

const day = (y: number, m: number, d: number) => new Date(y, m - 1, d).getTime();

describe("a query", () => {
  test("has words that may be beginnings, and phrases that stand as they are", () => {
    expect(parseQuery('Budget "Annual Report" dra').atoms).toEqual([
      { terms: ["budget"], prefix: true },
      { terms: ["annual", "report"], prefix: false },
      { terms: ["dra"], prefix: true },
    ]);
  });

  test("keeps together what is one word to its writer", () => {
    expect(parseQuery("example.org/wiki").atoms).toEqual([{ terms: ["example", "org", "wiki"], prefix: true }]);
    expect(parseQuery("https://example.org").atoms).toEqual([{ terms: ["https", "example", "org"], prefix: true }]);
    expect(parseQuery("note: later").atoms).toHaveLength(2);
  });

  test("reads German and English quotation marks, and a quotation that is not closed", () => {
    const phrase = [{ terms: ["neues", "budget"], prefix: false }];
    for (const text of ['"neues budget"', "„neues Budget“", "“neues budget”", '"neues budget']) expect(parseQuery(text).atoms, text).toEqual(phrase);
  });

  test.each([
    ["from:@bob:localhost", { from: ["@bob:localhost"] }],
    ['von:"Bob Baker" from:me', { from: ["Bob Baker", "me"] }],
    ["in:#general:x in:desk", { in: ["#general:x", "desk"] }],
    ["has:file hat:Bild has:LINK", { has: ["file", "image", "link"] }],
    ["after:2026-01-31 before:2026-03-01", { after: day(2026, 1, 31), before: day(2026, 3, 1) }],
    ["seit:31.01.2026 vor:01.03.2026", { after: day(2026, 1, 31), before: day(2026, 3, 1) }],
    ["on:2026-03-29", { after: day(2026, 3, 29), before: day(2026, 3, 30) }], // the day on which summer time begins
    ["after:2026-01-01 after:2026-02-01", { after: day(2026, 2, 1) }],
  ])("filters: %s", (text, wanted) => {
    expect(parseQuery(text)).toEqual({ atoms: [], from: [], in: [], has: [], after: null, before: null, ...wanted });
  });

  test("takes what is no filter for words", () => {
    for (const text of ["has:elephants", "after:2026-02-30", "on:monday", "colour:red"]) {
      expect(parseQuery(text).atoms, text).toHaveLength(1);
      expect(isEmpty(parseQuery(text)), text).toBe(false);
    }
    expect(isEmpty(parseQuery(" ?! "))).toBe(true);
  });

  test("is changed by the buttons as by hand", () => {
    expect(withFilter("budget", "has", ["file"])).toBe("budget has:file");
    expect(withFilter("budget has:file report has:link", "has", [])).toBe("budget report");
    expect(withFilter("von:anna x", "from", ["Bob Baker"])).toBe('x from:"Bob Baker"');
    expect(filterValues('x from:"Bob Baker" has:file', "from")).toEqual(["Bob Baker"]);
  });
});

describe("names in filters", () => {
  const people = () => [
    { id: "@bob:x", names: ["Bob Baker", "Robert"] },
    { id: "@zoe:x", names: ["Zoé Müller"] },
  ];
  test("mean ids, oneself, or whoever has a name with these beginnings", () => {
    expect(idsOf([], people)).toBeNull();
    expect(idsOf(["@anna:x"], people)).toEqual(["@anna:x"]);
    expect(idsOf(["me"], people, [["me"], "@own:x"])).toEqual(["@own:x"]);
    expect(idsOf(["bak bo"], people)).toEqual(["@bob:x"]);
    expect(idsOf(["muller"], people)).toEqual(["@zoe:x"]);
    expect(idsOf(["nobody"], people)).toEqual([]);
  });
});

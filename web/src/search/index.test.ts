// @vitest-environment node
import { beforeEach, describe, expect, test } from "vitest";
import type { SearchIndex } from "./index.ts";
import { deleteIndex, entry, ids, openIndex, query, random } from "./testkit.ts";

let index: SearchIndex;

beforeEach(async () => {
  await deleteIndex();
  ({ index } = await openIndex());
});

const add = (...entries: ReturnType<typeof entry>[]) => index.apply("!a:x", { end: "live", add: entries });

describe("the index", () => {
  test("finds words, beginnings and phrases, the newest first", async () => {
    await add(entry("1", 1, "The annual budget is late"), entry("2", 2, "Budgets of the annual meeting"), entry("3", 3, "Nothing here"));
    expect(await ids(index, "budget")).toEqual(["2", "1"]);
    expect(await ids(index, "annual budg")).toEqual(["2", "1"]);
    expect(await ids(index, '"annual budget"')).toEqual(["1"]);
    expect(await ids(index, '"annual budg"')).toEqual([]);
    expect(await ids(index, '"budget"')).toEqual(["1"]);
    expect(await ids(index, "annual nothing")).toEqual([]);
  });

  test("knows a message once", async () => {
    await add(entry("1", 1, "once"));
    await index.flush();
    await add(entry("1", 1, "once"));
    expect(await ids(index, "once")).toEqual(["1"]);
  });

  test("filters by room, sender, time and kind", async () => {
    await add(entry("1", 10, "report", { kinds: ["file", "image"] }), entry("2", 20, "report", { sender: "@bob:x", kinds: ["file", "link"] }));
    await index.apply("!b:x", { end: "live", add: [entry("3", 30, "report")] });
    await index.flush();
    expect(await ids(index, "report", { rooms: ["!b:x"] })).toEqual(["3"]);
    expect(await ids(index, "report", { senders: ["@bob:x"] })).toEqual(["2"]);
    expect(await ids(index, "report", { not: ["@bob:x"] })).toEqual(["3", "1"]);
    expect(await ids(index, "report", { after: 20 })).toEqual(["3", "2"]);
    expect(await ids(index, "report", { before: 20 })).toEqual(["1"]);
    expect(await ids(index, "has:file")).toEqual(["2", "1"]);
    expect(await ids(index, "has:file has:link")).toEqual(["2"]);
  });

  test("gives pages, also where times are equal", async () => {
    await add(...Array.from({ length: 25 }, (_, i) => entry(String(i).padStart(2, "0"), Math.floor(i / 4), "word")));
    const seen: string[] = [];
    let past: { ts: number; id: string } | null = null;
    for (let page = 0; page < 3; page++) {
      const { hits, more } = await index.search(query("word", { limit: 10, past }));
      expect(more).toBe(page < 2);
      seen.push(...hits.map((h) => h.id));
      past = hits.at(-1) ?? null;
    }
    expect(seen).toHaveLength(25);
    expect(new Set(seen).size).toBe(25);
  });

  test("puts whole words before beginnings when the best match is wanted", async () => {
    await add(entry("whole", 1, "tax"), entry("begun", 2, "taxation"), entry("long", 3, `tax ${"and many more words ".repeat(20)}`));
    expect(await ids(index, "tax", { order: "best" })).toEqual(["whole", "begun", "long"]);
    expect(await ids(index, "tax", { order: "best", skip: 1, limit: 1 })).toEqual(["begun"]);
  });
});

describe("what changes", () => {
  const edit = (id: string, target: string, ts: number, text: string, sender = "@anna:x") => ({ ...entry(id, ts, text, { sender }), target });

  test.each(["before", "after"])("an edit takes the message's place, %s it is on disk", async (when) => {
    await add(entry("1", 1, "small room"));
    if (when === "after") await index.flush();
    await index.apply("!a:x", { end: "live", edits: [edit("e", "1", 5, "big hall")] });
    await index.flush();
    expect(await ids(index, "small")).toEqual([]);
    const { hits } = await index.search(query("hall"));
    expect(hits).toEqual([{ roomId: "!a:x", id: "1", ts: 1, sender: "@anna:x", text: "big hall", edited: true }]);
    // An older edit comes too late, and that of somebody else never counts. MSC2676
    await index.apply("!a:x", { end: "live", edits: [edit("f", "1", 3, "older words"), edit("g", "1", 9, "forged words", "@eve:x")] });
    expect(await ids(index, "words")).toEqual([]);
  });

  test("an edit that is read before its message waits for it", async () => {
    await index.apply("!a:x", { end: "history", edits: [edit("e", "1", 5, "late words"), edit("f", "2", 5, "forged words", "@eve:x")] });
    expect(await ids(index, "words")).toEqual([]);
    await index.flush();
    await index.apply("!a:x", { end: "history", add: [entry("1", 1, "first text"), entry("2", 2, "own text")] });
    await index.flush();
    expect(await ids(index, "words")).toEqual(["1"]);
    expect(await ids(index, "text")).toEqual(["2"]);
    expect((await index.search(query("late"))).hits[0]?.ts).toBe(1);
  });

  test("a redaction removes, and what comes later does not bring it back", async () => {
    await add(entry("1", 1, "secret"));
    await index.flush();
    expect(await index.apply("!a:x", { end: "live", remove: ["1", "unseen"] })).toEqual({ refresh: [] });
    await add(entry("1", 1, "secret"), entry("unseen", 1, "secret"));
    await index.flush();
    expect(await ids(index, "secret")).toEqual([]);
  });

  test("the redaction of an edit asks for what the message says now", async () => {
    await add(entry("1", 1, "first"));
    await index.apply("!a:x", { end: "live", edits: [edit("e", "1", 5, "second")] });
    await index.flush();
    expect(await index.apply("!a:x", { end: "live", remove: ["e"] })).toEqual({ refresh: ["1"] });
    expect(await ids(index, "second")).toEqual([]);
    await add(entry("1", 1, "first"));
    expect(await ids(index, "first")).toEqual(["1"]);
  });

  test("a room that was left, and rooms that are no more, are forgotten", async () => {
    await add(entry("1", 1, "word"));
    await index.apply("!b:x", { end: "live", add: [entry("2", 2, "word")] });
    await index.apply("!c:x", { end: "live", add: [entry("3", 3, "word")] });
    await index.flush();
    await index.removeRoom("!a:x");
    expect(await ids(index, "word")).toEqual(["3", "2"]);
    await index.keepRooms(["!c:x"]);
    const { index: again } = await openIndex();
    expect(await ids(again, "word")).toEqual(["3"]);
  });

  test("messages that are older than their room keeps them are gone", async () => {
    await deleteIndex();
    let now = 1000;
    ({ index } = await openIndex("@anna:x", [1], () => now));
    await index.apply("!a:x", { end: "live", add: Array.from({ length: 600 }, (_, i) => entry(`$${i}`, i, "word")) });
    await index.flush();
    await index.setLifetimes({ "!a:x": 500 });
    const left = await ids(index, "word", { limit: 1000 });
    expect(left).toHaveLength(100); // 500 to 599
    now = 1050;
    expect(await ids(index, "word", { limit: 1000 })).toHaveLength(50);
    await index.apply("!a:x", { end: "history", add: [entry("old", 549, "word")] });
    await index.expire();
    const { index: again } = await openIndex();
    expect(await ids(again, "word", { limit: 1000 })).toHaveLength(50);
    await index.setLifetimes({ "!a:x": null });
    await index.apply("!a:x", { end: "history", add: [entry("old", 549, "word")] });
    expect(await ids(index, "old word")).toEqual([]);
    expect(await ids(index, "word", { limit: 1000 })).toHaveLength(51);
  });
});

describe("how far it is", () => {
  test("history is taken up nearest to now first, and goes on after a reload where it was", async () => {
    await index.apply("!a:x", { end: "live", begin: true, newest: "$9", addJob: { from: "t9", until: null, at: 90 } });
    await index.apply("!b:x", { end: "live", begin: true, addJob: { from: "u9", until: null, at: 80 } });
    const first = await index.nextJob();
    expect(first).toEqual({ roomId: "!a:x", job: { from: "t9", until: null, at: 90 } });
    await index.apply("!a:x", { end: "history", job: { was: { from: "t9", until: null, at: 90 }, now: { from: "t5", until: null, at: 50 } } });
    await index.flush();
    const { index: again } = await openIndex();
    expect((await again.state("!a:x")).newest).toBe("$9");
    expect((await again.nextJob())?.roomId).toBe("!b:x");
    await again.apply("!b:x", { end: "history", job: { was: { from: "u9", until: null, at: 80 }, now: null } });
    expect(await again.nextJob()).toEqual({ roomId: "!a:x", job: { from: "t5", until: null, at: 50 } });
    expect(again.stats().rooms["!b:x"]?.jobs).toBe(0);
  });

  test("messages without a key are tried again; with too many, the room is read again", async () => {
    await index.apply("!a:x", { end: "live", missing: [["$old", 5], ["$new", 50]] });
    expect(await index.takeMissing(10)).toEqual([{ roomId: "!a:x", ids: ["$new"] }]);
    await index.apply("!a:x", { end: "live", add: [entry("$old", 5, "now readable")] });
    expect(await index.takeMissing(0)).toEqual([{ roomId: "!a:x", ids: ["$new"] }]);
    await index.apply("!a:x", { end: "history", missing: Array.from({ length: 600 }, (_, i): [string, number] => [`$m${i}`, i]) });
    expect(await index.takeMissing(0)).toEqual([]);
    expect((await index.nextJob())?.job).toMatchObject({ from: null, until: null });
  });
});

// The index and a list that is gone through say the same, whatever happens in which order.
test.each([1, 2, 3, 4, 5, 6])("generated histories: %i", async (seed) => {
  const next = random(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const vocabulary = ["tax", "taxes", "taxi", "bank", "banking", "Überweisung", "uber", "会议", "会议室", "e-mail", "q3", "q4"];
  const model = new Map<string, { ts: number; words: string[]; room: string }>();
  const sentence = () => Array.from({ length: 1 + Math.floor(next() * 5) }, () => pick(vocabulary));
  let count = 0;
  let current = index;
  for (let step = 0; step < 300; step++) {
    const act = next();
    const room = pick(["!a:x", "!b:x"]);
    if (act < 0.6) {
      const [id, ts, words] = [`$${++count}`, Math.floor(next() * 1000), sentence()];
      model.set(id, { ts, words, room });
      await current.apply(room, { end: pick(["live", "history"]), add: [entry(id, ts, words.join(" "))] });
    } else if (act < 0.75 && model.size > 0) {
      const [id, doc] = pick([...model]);
      doc.words = sentence();
      await current.apply(doc.room, { end: "live", edits: [{ ...entry(`$e${++count}`, 2000 + step, doc.words.join(" ")), target: id }] });
    } else if (act < 0.85 && model.size > 0) {
      const [id, doc] = pick([...model]);
      model.delete(id);
      await current.apply(doc.room, { end: "live", remove: [id] });
    } else if (act < 0.95) await current.flush();
    else {
      await current.flush();
      current = (await openIndex()).index;
    }
  }
  const simple: Record<string, string> = { Überweisung: "uberweisung" };
  for (const [text, fits] of [
    ["tax", (w: string) => w.startsWith("tax")],
    ["ub", (w: string) => (simple[w] ?? w).startsWith("ub")],
    ["bank", (w: string) => w.startsWith("bank")],
    ["会议", (w: string) => w.startsWith("会议")],
    ['"q3"', (w: string) => w === "q3"],
  ] as const) {
    const wanted = [...model].filter(([, d]) => d.words.some(fits)).sort((a, b) => b[1].ts - a[1].ts || (a[0] < b[0] ? -1 : 1)).map(([id]) => id);
    expect(await ids(current, text, { limit: 1000 }), text).toEqual(wanted);
  }
});

import { expect, test } from "vitest";
import { Rows } from "./roomsrows.ts";

interface Row {
  id: string;
  at: number;
}

function made(rooms: Record<string, number>) {
  const computed: string[] = [];
  const rows = new Rows<Row>({
    ids: () => Object.keys(rooms),
    row: (id) => (computed.push(id), { id, at: rooms[id] ?? 0 }),
    equal: (a, b) => a.at === b.at,
    order: (a, b) => b.at - a.at,
  });
  const ids = () => rows.now().map((r) => r.id);
  return { rows, rooms, computed, ids };
}

test("rows are in their order, and only what was touched is computed anew", () => {
  const { rows, rooms, computed, ids } = made({ a: 1, b: 2, c: 3 });
  expect(ids()).toEqual(["c", "b", "a"]);
  const before = rows.now();
  computed.length = 0;
  expect(rows.now()).toBe(before);
  rooms.a = 4;
  rows.touch("a");
  rows.touch("not listed");
  rows.touch(undefined);
  expect(ids()).toEqual(["a", "c", "b"]);
  expect(computed).toEqual(["a"]);
  expect(rows.now()[1]).toBe(before[0]);
});

test("what was touched and says the same changes nothing", () => {
  const { rows } = made({ a: 1, b: 2 });
  const before = rows.now();
  rows.touch("a");
  expect(rows.now()).toBe(before);
  rows.touchAll();
  expect(rows.now()).toBe(before);
});

test("rooms come and go", () => {
  const { rows, rooms, ids } = made({ a: 1, b: 2 });
  ids();
  rooms.c = 3;
  delete rooms.a;
  expect(ids()).toEqual(["b", "a"]);
  rows.touchAll();
  expect(ids()).toEqual(["c", "b"]);
  // One goes and another comes: as many as before, but not the same.
  delete rooms.c;
  rooms.d = 0;
  rows.touchAll();
  expect(ids()).toEqual(["b", "d"]);
  delete rooms.b;
  delete rooms.d;
  rows.touchAll();
  expect(ids()).toEqual([]);
});

test("rows that were kept stay the same objects where they still say the same", () => {
  const { rows, ids } = made({ a: 1, b: 2 });
  const kept = [{ id: "b", at: 2 }, { id: "a", at: 7 }, { id: "gone", at: 9 }];
  rows.seed(kept);
  expect(ids()).toEqual(["b", "a"]);
  expect(rows.now()[0]).toBe(kept[0]);
  expect(rows.now()[1]).not.toBe(kept[1]);
  expect([...rows].length).toBe(2);
});

import { expect, test } from "vitest";
import type { RoomRow } from "@/matrix/rooms.ts";
import { neighbour } from "./neighbour.ts";

const row = (id: string, unread = 0, more: Partial<RoomRow> = {}) => ({ id, unread, mentions: 0, markedUnread: false, membership: "join", ...more }) as RoomRow;
const rows = [row("a", 2), row("b"), row("c", 0, { markedUnread: true }), row("d")];
const go = (open: string | undefined, step: 1 | -1, unread = false) => neighbour(rows, open, step, unread)?.id;

test("goes from chat to chat and around the ends", () => {
  expect([go("a", 1), go("b", 1), go("d", 1)]).toEqual(["b", "c", "a"]);
  expect([go("d", -1), go("b", -1), go("a", -1)]).toEqual(["c", "a", "d"]);
});

test("begins at the nearer end where no chat of the list is open", () => {
  expect([go(undefined, 1), go("elsewhere", -1)]).toEqual(["a", "d"]);
});

test("leaves out what is read, if so wanted", () => {
  expect([go("a", 1, true), go("c", 1, true), go("d", -1, true), go(undefined, -1, true)]).toEqual(["c", "a", "c", "c"]);
});

test("stays where there is no other", () => {
  expect(neighbour([row("a", 1)], "a", 1, true)).toBeUndefined();
  expect(neighbour([], undefined, 1, false)).toBeUndefined();
});

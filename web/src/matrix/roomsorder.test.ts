import { expect, test } from "vitest";
import type { RoomRow } from "./rooms.ts";
import { byAttention, matches } from "./roomsorder.ts";

const row = (id: string, more: Partial<RoomRow> = {}): RoomRow => ({
  id, name: id, avatar: null, direct: null, membership: "join", inviter: "", unread: 0, mentions: 0, knocking: 0, markedUnread: false, quietlyNew: false,
  favourite: false, lowPriority: false, level: "default", at: 0, preview: { kind: "none", sender: "", own: false, text: "", eventId: "" }, ...more,
});
const order = (...rows: RoomRow[]): string[] => rows.sort(byAttention).map((r) => r.id);

test("invitations come first, then mentions, unread, favourites, the rest, low priority", () => {
  expect(
    order(
      row("low", { lowPriority: true, at: 9 }), row("rest", { at: 8 }), row("favourite", { favourite: true }), row("unread", { unread: 1 }),
      row("mention", { mentions: 1, unread: 1 }), row("invitation", { membership: "invite" }),
    ),
  ).toEqual(["invitation", "mention", "unread", "favourite", "rest", "low"]);
});

test("in each group the latest comes first", () => {
  expect(order(row("old", { unread: 5, at: 1 }), row("new", { unread: 1, at: 2 }), row("older", { at: 3 }), row("newer", { at: 4 }))).toEqual(["new", "old", "newer", "older"]);
});

test("rooms of low priority and muted rooms rise for mentions only", () => {
  expect(order(row("rest", { at: 5 }), row("low", { lowPriority: true, unread: 3, at: 9 }), row("muted", { level: "mute", unread: 3, at: 1 }))).toEqual(["rest", "muted", "low"]);
  expect(order(row("unread", { unread: 1, at: 5 }), row("low", { lowPriority: true, mentions: 1 }))).toEqual(["low", "unread"]);
});

test("a room marked as unread stands with the unread, and so does one that somebody wants to come into", () => {
  expect(order(row("favourite", { favourite: true, at: 9 }), row("marked", { markedUnread: true }))).toEqual(["marked", "favourite"]);
  expect(order(row("favourite", { favourite: true, at: 9 }), row("asked", { knocking: 1 }))).toEqual(["asked", "favourite"]);
});

test("filters tell people from rooms, and what is unread", () => {
  const rows = [row("person", { direct: "@a:b" }), row("room"), row("news", { unread: 1 }), row("invitation", { membership: "invite" }), row("marked", { markedUnread: true }), row("asked", { knocking: 2 })];
  const kept = (f: Parameters<typeof matches>[1]) => rows.filter((r) => matches(r, f)).map((r) => r.id);
  expect(kept("people")).toEqual(["person"]);
  expect(kept("rooms")).toEqual(["room", "news", "invitation", "marked", "asked"]);
  expect(kept("unread")).toEqual(["news", "invitation", "marked", "asked"]);
  expect(kept("all")).toHaveLength(6);
});

import { MatrixEvent, Room } from "matrix-js-sdk";
import { expect, test, vi } from "vitest";
import { answered } from "./verification.ts";

test("a request that somebody has answered or withdrawn is no new one, whatever the answer's content is sealed in", () => {
  const room = new Room("!r", {} as never, "@a:b");
  const event = (id: string, relation?: object): MatrixEvent =>
    new MatrixEvent({ type: "m.room.encrypted", room_id: "!r", sender: "@b:b", event_id: id, origin_server_ts: 1, content: { algorithm: "m.megolm.v1.aes-sha2", ...(relation && { "m.relates_to": relation }) } } as never);
  const events = [event("$asked"), event("$done", { rel_type: "m.reference", event_id: "$asked" }), event("$again"), event("$edit", { rel_type: "m.replace", event_id: "$again" })];
  vi.spyOn(room.getLiveTimeline(), "getEvents").mockReturnValue(events);
  const c = { getRoom: (id?: string) => (id === "!r" ? room : null) };
  expect(answered(c, { roomId: "!r", transactionId: "$asked" })).toBe(true);
  expect(answered(c, { roomId: "!r", transactionId: "$again" })).toBe(false);
  expect(answered(c, { roomId: undefined, transactionId: "abc" })).toBe(false); // between devices: not through a room
});

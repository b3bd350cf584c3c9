import { createClient, type MatrixClient, MemoryStore, RoomEvent, SyncState } from "matrix-js-sdk";
import { SyncApi } from "matrix-js-sdk/lib/sync.js";
import { afterEach, expect, test, vi } from "vitest";
import { logger } from "./logger.ts";
import { type Answer, type Inner, inParts, partsOf } from "./syncParts.ts";

const message = (id: string) => ({ type: "m.room.message", event_id: id, sender: "@b:x", origin_server_ts: 1, content: { msgtype: "m.text", body: id } });
const room = (name: string, count: number) => ({ timeline: { events: Array.from({ length: count }, (_, i) => message(`$${name}-${i}`)), prev_batch: "p" } });
const answer = (rooms: number, each = 20): Answer => ({
  next_batch: "s2",
  to_device: { events: [{ type: "m.room_key", sender: "@b:x", content: {} }] },
  device_lists: { changed: ["@b:x"] },
  device_one_time_keys_count: { signed_curve25519: 50 },
  rooms: { join: Object.fromEntries(Array.from({ length: rooms }, (_, i) => [`!${i}:x`, room(String(i), each)])), invite: { "!i:x": {} }, leave: { "!l:x": {} } },
});

test("a large answer is divided by rooms, the keys come first, and nothing is lost or said twice", () => {
  const whole = answer(12);
  const parts = partsOf(whole);
  expect(parts.map((p) => Object.keys(p.rooms?.join ?? {}).length)).toEqual([5, 5, 2]);
  expect(Object.assign({}, ...parts.map((p) => p.rooms?.join))).toEqual(whole.rooms?.join);
  const { rooms, ...rest } = whole;
  expect(parts[0]).toMatchObject(rest);
  expect(parts.slice(1).map((p) => Object.keys(p))).toEqual([["rooms"], ["rooms"]]);
  expect(parts.map((p) => [p.rooms?.invite, p.rooms?.leave].map((x) => x !== undefined))).toEqual([[true, false], [false, false], [false, true]]);
  expect(rooms).toEqual(answer(12).rooms); // the answer itself, which is kept afterwards, is as it was
});

test("a room is never divided, and a small answer stays as it is", () => {
  expect(partsOf(answer(1, 500))).toHaveLength(1);
  const small = answer(3);
  expect(partsOf(small)[0]).toBe(small);
  const none: Answer = { next_batch: "s" };
  expect(partsOf(none)).toEqual([none]);
});

function inner(): Inner & { told: unknown[]; seen: string[] } {
  const told: unknown[] = [];
  return {
    told,
    seen: [],
    running: true,
    catchingUp: true,
    syncOpts: {
      cryptoCallbacks: {
        onCryptoEvent: (r) => (told.push(r), Promise.resolve()),
        processSyncChanges: (c) => (told.push(c), Promise.resolve(["x"])),
      },
    },
  };
}

test("the encryption hears of it once, a part that fails stops no other, and what was said to be caught up stays", async () => {
  const self = inner();
  let part = 0;
  const process = inParts(
    async function (this: Inner, _info, a) {
      part++;
      await this.syncOpts.cryptoCallbacks?.processSyncChanges(a.to_device);
      await this.syncOpts.cryptoCallbacks?.onCryptoEvent(part, null);
      if (a.to_device === undefined) this.catchingUp = false;
      if (part === 2) throw new Error("one room");
    },
    () => Promise.resolve(),
  );
  const { syncOpts } = self;
  await expect(process.call(self, {}, answer(12))).rejects.toThrow("one room");
  expect(self.told).toEqual([answer(1).to_device, 1, 2, 3]);
  expect(self.catchingUp).toBe(true);
  expect(self.syncOpts).toBe(syncOpts);
});

test("it pauses between parts when time is up, and ends when the client was stopped", async () => {
  const self = inner();
  let time = 0;
  let parts = 0;
  const waits: number[] = [];
  const process = inParts(
    () => {
      parts++;
      time += 5;
      return Promise.resolve();
    },
    () => {
      waits.push(parts);
      if (parts === 4) self.running = false;
      return Promise.resolve();
    },
    () => time,
  );
  await process.call(self, {}, answer(40));
  expect(waits).toEqual([2, 4]);
  expect(parts).toBe(4);
});

let client: MatrixClient | undefined;
afterEach(() => client?.stopClient());

test("the SDK takes a divided answer as one: every event once, one token, kept after all of it", async () => {
  const store = new MemoryStore();
  const kept: unknown[] = [];
  vi.spyOn(store, "setSyncData").mockImplementation((data) => (kept.push([data.next_batch, seen.size]), Promise.resolve()));
  const asked: (string | null)[] = [];
  const json = (body: object) => new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
  const big = answer(30);
  const fetchFn = (async (resource: URL) => {
    const { pathname, searchParams } = new URL(resource);
    if (pathname.endsWith("/versions")) return json({ versions: ["v1.11"] });
    if (pathname.includes("/filter")) return json({ filter_id: "1" });
    if (!pathname.endsWith("/sync")) return json({});
    asked.push(searchParams.get("since"));
    if (asked.length === 1) return json({ next_batch: "s1" });
    if (asked.length === 2) return json(big);
    return new Promise<Response>(() => undefined);
  }) as unknown as typeof fetch;
  client = createClient({ baseUrl: "http://x", userId: "@a:x", deviceId: "D", accessToken: "t", store, fetchFn, logger, timelineSupport: true });
  const seen = new Map<string, number>();
  client.on(RoomEvent.Timeline, (e) => seen.set(e.getId() ?? "", (seen.get(e.getId() ?? "") ?? 0) + 1));
  const states: string[] = [];
  client.on("sync" as never, ((s: SyncState) => states.push(`${s} ${seen.size}`)) as never);
  const parts = vi.spyOn(SyncApi.prototype as unknown as { mapSyncResponseToRoomArray(rooms: object): unknown[] }, "mapSyncResponseToRoomArray");
  await client.startClient();
  await vi.waitFor(() => expect(asked).toHaveLength(3), { timeout: 30_000 });
  expect(parts.mock.calls.map(([rooms]) => Object.keys(rooms).length)).toEqual([1, 5, 5, 5, 5, 5, 5, 1]); // the invitation, six parts, the room that was left
  expect(seen.size).toBe(600);
  expect([...seen.values()].every((n) => n === 1)).toBe(true);
  expect(asked).toEqual([null, "s1", "s2"]);
  expect(kept).toEqual([["s1", 0], ["s2", 600]]);
  expect(states).toEqual(["PREPARED 0", "SYNCING 0", "SYNCING 600"]);
  expect(client.getRoom("!29:x")?.getLiveTimeline().getEvents()).toHaveLength(20);
});

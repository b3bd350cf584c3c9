import { createClient, type MatrixClient, MemoryStore, RoomEvent } from "matrix-js-sdk";
import { afterEach, expect, test, vi } from "vitest";
import { logger } from "./logger.ts";
import type { Answer } from "./syncParts.ts";
import { bounded, forgetBeforeGaps, look } from "./timelineBound.ts";

const message = (id: string) => ({ type: "m.room.message", event_id: id, sender: "@b:x", origin_server_ts: 1, content: { msgtype: "m.text", body: id } });
const answer = (from: number, count: number, id = "!r:x"): Answer => ({
  next_batch: `s${from + count}`,
  rooms: { join: { [id]: { timeline: { events: Array.from({ length: count }, (_, i) => message(`$${from + i}`)), prev_batch: `p${from}` } } } },
});
const limited = (a: Answer) => Object.values(a.rooms?.join ?? {})[0]?.timeline?.limited === true;

test("a long timeline gets a gap, a short one or one that somebody has scrolled back in does not", () => {
  const a = answer(0, 1);
  expect(bounded(a, () => 300)).toBe(a);
  expect(limited(bounded(a, () => 301))).toBe(true);
  expect(limited(a)).toBe(false); // what is kept on the disk has no gap
  let atEnd = true;
  const away = look("!r:x", () => atEnd);
  expect(bounded(a, () => 1500)).toBe(a);
  expect(limited(bounded(a, () => 1501))).toBe(true);
  atEnd = false;
  expect(bounded(a, () => 9999)).toBe(a);
  away();
  expect(limited(bounded(a, () => 301))).toBe(true);
  const nothing = answer(0, 0);
  expect(bounded(nothing, () => 9999)).toBe(nothing);
});

let client: MatrixClient | undefined;
afterEach(() => client?.stopClient());

test("the SDK holds a bounded number of the events that arrive, and goes back from there by the server's token", async () => {
  let next = 0;
  let resets = 0;
  const json = (body: object) => new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
  const fetchFn = (async (resource: URL) => {
    const { pathname } = new URL(resource);
    if (pathname.endsWith("/versions")) return json({ versions: ["v1.11"] });
    if (pathname.includes("/filter")) return json({ filter_id: "1" });
    if (!pathname.endsWith("/sync")) return json({});
    if (next >= 2000) return new Promise<Response>(() => undefined);
    next += 50;
    return json(answer(next - 50, 50));
  }) as unknown as typeof fetch;
  client = createClient({ baseUrl: "http://x", userId: "@a:x", deviceId: "D", accessToken: "t", store: new MemoryStore(), fetchFn, logger, timelineSupport: true });
  forgetBeforeGaps(client);
  const seen = new Set<string>();
  client.on(RoomEvent.Timeline, (e) => seen.add(e.getId() ?? ""));
  client.on("Room.timelineReset" as never, (() => resets++) as never);
  await client.startClient();
  await vi.waitFor(() => expect(seen.size).toBe(2000), { timeout: 30_000 });
  const set = client.getRoom("!r:x")?.getUnfilteredTimelineSet();
  const events = set?.getLiveTimeline().getEvents() ?? [];
  expect(events.length).toBeLessThanOrEqual(350);
  expect(events.at(-1)?.getId()).toBe("$1999");
  expect(set?.getTimelines()).toHaveLength(1);
  expect(set?.getTimelineForEvent("$0")).toBeNull();
  expect(set?.getLiveTimeline().getPaginationToken("b" as never)).toBe(`p${2000 - events.length}`);
  expect(resets).toBeGreaterThan(0);
});

import { ClientEvent, Direction, type EventTimelineSet, type MatrixEvent, MatrixEventEvent, type Room, RoomEvent, RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { logger } from "./logger.ts";
import { fetchOrganisation } from "./organisation.ts";
import { roomMaxAge } from "./retention.ts";
import { gather, readAll, searchedTypes } from "./searchEvents.ts";
import { type Halt, History } from "./searchHistory.ts";
import type { Sink } from "./searchTypes.ts";

export type { Halt } from "./searchHistory.ts";

const day = 24 * 60 * 60 * 1000;

type Item = { event: MatrixEvent; late?: boolean } | { gap: Room; from: string | null } | { remove: string; roomId: string };

/** A room whose messages are searched, and when it began. */
export interface SearchedRoom {
  id: string;
  created: number;
}

const searched = (room: Room): boolean => room.getMyMembership() === "join" && !room.isSpaceRoom();

/** All rooms whose messages are searched. */
export function searchedRooms(): SearchedRoom[] {
  return client()
    .getRooms()
    .filter(searched)
    .map((r) => ({ id: r.roomId, created: r.currentState.getStateEvents("m.room.create", "")?.getTs() ?? 0 }));
}

/** Keeps an index of what all rooms say: of what arrives, and, where the user lets it, of their history. */
export class Feed {
  private readonly sink: Sink;
  private readonly c = client();
  private readonly queue: Item[] = [];
  private working = false;
  private stopped = false;
  private readonly stops: (() => void)[] = [];
  private readonly history: History;
  private readonly onProgress: () => void;

  constructor(sink: Sink, paused: () => boolean, onProgress: () => void) {
    this.sink = sink;
    this.onProgress = onProgress;
    this.history = new History({ client: this.c, sink, paused, lifetime: roomMaxAge, onProgress });
  }

  /** Why the history is not being read; null: it is, or all of it was. */
  get halt(): Halt {
    return this.history.halt;
  }

  /** Looks again whether the history may be read. */
  poke(): void {
    this.history.poke();
  }

  async start(): Promise<void> {
    this.listen();
    await fetchOrganisation().catch(() => undefined); // roomMaxAge goes by what was read last
    const rooms = this.c.getRooms().filter(searched);
    // What was left while the app was closed. A client that has just begun knows no rooms yet.
    if (rooms.length > 0) await this.sink.keepRooms(rooms.map((r) => r.roomId));
    const lifetimes = rooms.map((r) => [r.roomId, roomMaxAge(r.roomId)] as const).filter(([, age]) => age !== null);
    if (lifetimes.length > 0) await this.sink.setLifetimes(Object.fromEntries(lifetimes));
    for (const room of rooms.sort((a, b) => b.getLastActiveTimestamp() - a.getLastActiveTimestamp())) {
      if (this.stopped) return;
      await this.catchUp(room).catch((err: unknown) => logger.warn("search", err));
    }
    await this.history.retry(Date.now() - 3 * day);
    if (!this.stopped) this.history.start();
    this.onProgress();
  }

  stop(): void {
    this.stopped = true;
    for (const s of this.stops) s();
    this.history.stop();
  }

  private listen(): void {
    const on = (emitter: object, name: string, listener: (...args: never[]) => void) => {
      const e = emitter as { on(n: string, l: unknown): void; off(n: string, l: unknown): void };
      e.on(name, listener);
      this.stops.push(() => e.off(name, listener));
    };
    on(this.c, ClientEvent.Event, (event: MatrixEvent) => this.take(event));
    on(this.c, MatrixEventEvent.Decrypted, (event: MatrixEvent) => {
      if (!event.isDecryptionFailure() && this.history.waiting.delete(event.getId() ?? "")) this.push({ event, late: true });
    });
    on(this.c, RoomEvent.TimelineReset, (room: Room | undefined, set: EventTimelineSet) => {
      if (room && set === room.getUnfilteredTimelineSet() && searched(room)) this.push({ gap: room, from: set.getLiveTimeline().getPaginationToken(Direction.Backward) });
    });
    on(this.c, RoomEvent.MyMembership, (room: Room, now: string) => {
      if (now !== "join") void this.sink.removeRoom(room.roomId).then(this.onProgress);
      else if (searched(room)) void this.catchUp(room).then(() => this.history.poke(), (err: unknown) => logger.warn("search", err));
    });
    on(this.c, ClientEvent.DeleteRoom, (roomId: string) => void this.sink.removeRoom(roomId).then(this.onProgress));
    on(this.c, RoomStateEvent.Events, (event: MatrixEvent) => {
      const room = this.c.getRoom(event.getRoomId());
      if (event.getType() === "m.room.retention" && room) void this.sink.setLifetimes({ [room.roomId]: roomMaxAge(room.roomId) }).then(this.onProgress);
    });
  }

  /** What the server tells, in its order. */
  private take(event: MatrixEvent): void {
    const room = this.c.getRoom(event.getRoomId());
    if (room === null || event.isState() || !searched(room)) return;
    if (event.getType() === "m.room.redaction") {
      const target = event.event.redacts ?? (event.getContent().redacts as unknown);
      if (typeof target === "string") this.push({ remove: target, roomId: room.roomId });
    } else if (searchedTypes.includes(event.getWireType())) this.push({ event });
  }

  private push(item: Item): void {
    this.queue.push(item);
    if (!this.working) void this.work();
  }

  private async work(): Promise<void> {
    this.working = true;
    try {
      // A big sync is told in one go: let it end, and take all of it.
      while (this.queue.length > 0 && !this.stopped) {
        await new Promise((next) => setTimeout(next, 0));
        const items = this.queue.splice(0, 50);
        for (const [roomId, own] of byRoom(items)) await this.handle(roomId, own).catch((err: unknown) => logger.warn("search", err));
      }
    } finally {
      this.working = false;
    }
    this.onProgress();
  }

  private async handle(roomId: string, items: Item[]): Promise<void> {
    let events: Item[] = [];
    const read = async () => {
      const own = events.flatMap((i) => ("event" in i ? [i.event] : []));
      const newest = events.flatMap((i) => ("event" in i && i.late !== true && !inThread(i.event) ? [i.event.getId() ?? ""] : [])).at(-1);
      events = [];
      if (own.length === 0) return;
      const change = gather(await readAll(this.c, own));
      for (const [id] of change.missing) this.history.waiting.add(id);
      await this.sink.apply(roomId, { end: "live", ...change, ...(newest === undefined ? {} : { newest }) });
    };
    for (const item of items) {
      if ("event" in item) events.push(item);
      else {
        await read();
        if ("remove" in item) {
          const { refresh } = await this.sink.apply(roomId, { end: "live", remove: [item.remove] });
          this.history.readAgain(roomId, refresh);
        } else if (item.from !== null) {
          const { newest } = await this.sink.state(roomId);
          await this.sink.apply(roomId, { end: "live", addJob: { from: item.from, until: newest, at: Date.now() } });
          this.history.poke();
        }
      }
    }
    await read();
  }

  /** Takes up what the SDK has of a room, and notes what lies between that and the index, or before it. */
  private async catchUp(room: Room): Promise<void> {
    const live = room.getLiveTimeline();
    const main = live.getEvents().filter((e) => searchedTypes.includes(e.getWireType()) && e.status === null);
    const from = live.getPaginationToken(Direction.Backward);
    const at = main[0]?.getTs() ?? room.getLastActiveTimestamp();
    const events = [...main, ...room.getThreads().flatMap((t) => t.events.filter((e) => searchedTypes.includes(e.getWireType()) && e.status === null))];
    const state = await this.sink.state(room.roomId);
    const unknown = new Set(await this.sink.unknown(room.roomId, events.map((e) => e.getId() ?? "")));
    const change = gather(await readAll(this.c, events.filter((e) => unknown.has(e.getId() ?? ""))));
    for (const [id] of change.missing) this.history.waiting.add(id);
    const newest = main.filter((e) => !inThread(e)).at(-1)?.getId();
    const gap = !state.begun || (main.length > 0 || state.newest !== null) && !main.some((e) => e.getId() === state.newest);
    const job = gap && from !== null ? { addJob: { from, until: state.begun ? state.newest : null, at } } : {};
    if (unknown.size === 0 && !gap) return;
    await this.sink.apply(room.roomId, { end: "live", ...change, begin: true, ...(newest === undefined ? {} : { newest }), ...job });
  }
}

/** Answers in threads are not in the room's own timeline, where the newest message is looked for. */
const inThread = (event: MatrixEvent): boolean => event.isRelation("m.thread");

function byRoom(items: readonly Item[]): Map<string, Item[]> {
  const rooms = new Map<string, Item[]>();
  for (const item of items) {
    const roomId = "event" in item ? (item.event.getRoomId() ?? "") : "gap" in item ? item.gap.roomId : item.roomId;
    rooms.set(roomId, [...(rooms.get(roomId) ?? []), item]);
  }
  return rooms;
}

import { Direction, Filter, type MatrixClient, MatrixError, type MatrixEvent } from "matrix-js-sdk";
import { encryption } from "./encryption.ts";
import { logger } from "./logger.ts";
import { gather, readAll, readEvent, searchedTypes } from "./searchEvents.ts";
import type { Job, Sink } from "./searchTypes.ts";

const pageSize = 100;

/** Why nothing is read at the moment. */
export type Halt = "paused" | "offline" | "hidden" | "metered" | "keys" | null;

interface Deps {
  client: MatrixClient;
  sink: Sink;
  paused: () => boolean;
  /** How long a room keeps its messages, null for ever. */
  lifetime: (roomId: string) => number | null;
  /** Something was read, or the reading stopped or went on. */
  onProgress: () => void;
}

/** A moment when the browser has nothing else to do, or two seconds. */
function idle(): Promise<void> {
  return new Promise((done) => {
    if (typeof requestIdleCallback === "function") requestIdleCallback(() => done(), { timeout: 2000 });
    else setTimeout(done, 50);
  });
}

/**
 * Reads the history of all rooms backwards, for the index: always the room whose unread part is nearest to now, one page at a time and only while
 * nobody is disturbed by it. How far it got is in the index, so that it goes on there after a reload.
 */
export class History {
  private readonly deps: Deps;
  private readonly filter: Filter;
  private stopped = false;
  private wake: () => void = () => undefined;
  private awake = false;
  private readonly single: [roomId: string, id: string][] = [];
  private readonly stops: (() => void)[] = [];
  /** Events that could not be read; when their keys arrive, the feed hears of it. */
  readonly waiting = new Set<string>();
  halt: Halt = null;
  busy = false;

  constructor(deps: Deps) {
    this.deps = deps;
    this.filter = Filter.fromJson(deps.client.getSafeUserId(), "search", { room: { timeline: { types: [...searchedTypes] } } });
  }

  start(): void {
    const poke = () => this.poke();
    document.addEventListener("visibilitychange", poke);
    for (const name of ["online", "offline"]) window.addEventListener(name, poke);
    this.stops.push(
      () => document.removeEventListener("visibilitychange", poke),
      () => ["online", "offline"].forEach((name) => window.removeEventListener(name, poke)),
      encryption.subscribe((now, before) => {
        // Keys of old messages have come back.
        if (before.restore?.running && now.restore?.running === false && now.restore.done > 0) void this.retry(0);
        poke();
      }),
    );
    void this.work();
  }

  stop(): void {
    this.stopped = true;
    for (const s of this.stops) s();
    this.poke();
  }

  /** Looks again whether there is something to do. */
  poke(): void {
    this.awake = true;
    this.wake();
  }

  /** Reads single messages, as they are now. */
  readAgain(roomId: string, ids: readonly string[]): void {
    for (const id of ids) this.single.push([roomId, id]);
    this.poke();
  }

  /** Tries messages again whose keys were missing. */
  async retry(since: number): Promise<void> {
    for (const { roomId, ids } of await this.deps.sink.takeMissing(since)) this.readAgain(roomId, ids);
    this.poke();
  }

  private reason(): Halt {
    if (this.deps.paused()) return "paused";
    if (!navigator.onLine) return "offline";
    const { stage, restore } = encryption.getState();
    if (stage === "checking" || stage === "setting-up" || restore?.running) return "keys";
    if (document.visibilityState === "hidden") return "hidden";
    const { connection } = navigator as { connection?: { saveData?: boolean; type?: string } };
    return connection?.saveData === true || connection?.type === "cellular" ? "metered" : null;
  }

  private async work(): Promise<void> {
    let failures = 0;
    while (!this.stopped) {
      this.awake = false;
      const halt = this.reason();
      const changed = halt !== this.halt;
      this.halt = halt;
      let wait = halt !== null;
      let pause = 0;
      if (!wait) {
        try {
          wait = !(await this.step());
          failures = 0;
        } catch (err) {
          if (this.stopped) return;
          pause = err instanceof MatrixError && err.errcode === "M_LIMIT_EXCEEDED" ? Number(err.data.retry_after_ms ?? 5000) : Math.min(300_000, 5000 * 2 ** failures++);
          logger.warn("search", err);
        }
      }
      if (this.busy === wait || changed) {
        this.busy = !wait;
        this.deps.onProgress();
      }
      if (wait || pause > 0) await this.rest(pause);
      else await idle();
    }
  }

  /** Waits until there may be something to do, or some milliseconds. */
  private rest(pause: number): Promise<void> {
    if (this.awake && pause === 0) return Promise.resolve();
    return new Promise((done) => {
      const timer = pause > 0 ? setTimeout(() => done(), pause) : undefined;
      this.wake = () => {
        if (pause > 0 && !this.stopped) return;
        clearTimeout(timer);
        done();
      };
    });
  }

  /** One message or one page. False: there is nothing to do. */
  private async step(): Promise<boolean> {
    const one = this.single.shift();
    if (one) {
      await this.readOne(...one);
      return true;
    }
    const next = await this.deps.sink.nextJob();
    if (next === null) return false;
    const { roomId, job } = next;
    if (this.deps.client.getRoom(roomId)?.getMyMembership() !== "join") await this.deps.sink.removeRoom(roomId);
    else await this.page(roomId, job);
    this.deps.onProgress();
    return true;
  }

  private async page(roomId: string, job: Job): Promise<void> {
    const { client: c, sink } = this.deps;
    const answer = await c.createMessagesRequest(roomId, job.from, pageSize, Direction.Backward, this.filter);
    const room = c.getRoom(roomId);
    const map = c.getEventMapper({ decrypt: false });
    const events: MatrixEvent[] = answer.chunk.map((e) => room?.findEventById(e.event_id ?? "") ?? map({ ...e, room_id: roomId }));
    const ids = events.map((e) => e.getId() ?? "");
    const unknown = new Set(await sink.unknown(roomId, ids));
    const readings = await readAll(c, events.filter((e) => unknown.has(e.getId() ?? "")));
    const { add, edits, missing } = gather(readings);
    for (const [id] of missing) this.waiting.add(id);
    const oldest = events.at(-1)?.getTs() ?? job.at;
    const lifetime = this.deps.lifetime(roomId);
    const met = job.until !== null && (ids.includes(job.until) || (ids.length > 0 && unknown.size === 0));
    const ended = !answer.end || answer.end === job.from || met || (lifetime !== null && oldest < Date.now() - lifetime);
    if (this.stopped) return;
    await sink.apply(roomId, { end: "history", add, edits, missing, job: { was: job, now: ended ? null : { ...job, from: answer.end ?? null, at: Math.min(job.at, oldest) } } });
  }

  private async readOne(roomId: string, id: string): Promise<void> {
    const { client: c, sink } = this.deps;
    if (c.getRoom(roomId)?.getMyMembership() !== "join") return;
    let event = c.getRoom(roomId)?.findEventById(id) ?? null;
    if (event === null) {
      try {
        event = c.getEventMapper({ decrypt: false })({ ...(await c.fetchRoomEvent(roomId, id)), room_id: roomId } as never);
      } catch (err) {
        if (err instanceof MatrixError && err.httpStatus === 404) return;
        this.single.push([roomId, id]);
        throw err;
      }
    }
    await c.decryptEventIfNeeded(event).catch(() => undefined);
    const edit = event.replacingEvent();
    if (edit) await c.decryptEventIfNeeded(edit).catch(() => undefined);
    const change = gather([{ event, reading: readEvent(event, true) }]);
    for (const [missing] of change.missing) this.waiting.add(missing);
    await sink.apply(roomId, { end: "history", ...change });
    this.deps.onProgress();
  }
}

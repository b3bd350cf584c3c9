import type { Change, Changed, Edit, Entry, Job, Kind, RoomState, Sink } from "@/matrix/searchTypes.ts";
import type { Atom } from "./query.ts";
import { type Doc, kindBits, matching, maxText, mayMatch, score, type Segment } from "./segment.ts";
import type { Room, Shelf, Shelved } from "./shelf.ts";

export interface Find {
  atoms: readonly Atom[];
  rooms: readonly string[] | null; // null: all
  senders: readonly string[] | null;
  /** Whose messages are not shown. */
  not: readonly string[];
  kinds: readonly Kind[]; // all of them
  after: number | null;
  before: number | null;
  order: "newest" | "best";
  limit: number;
  /** Where the next page begins: the last result of the one before, or its number of results. */
  past: { ts: number; id: string } | null;
  skip: number;
}

export interface Hit {
  roomId: string;
  id: string;
  ts: number;
  sender: string;
  text: string;
  edited: boolean;
}

export interface Found {
  hits: Hit[];
  more: boolean;
}

export interface RoomStats {
  count: number;
  oldest: number;
  /** How many parts of its history are still to be read; null: not begun. */
  jobs: number | null;
}

/** So many segments are read ahead. */
const ahead = 4;

/** So many messages without a key are named for each room. */
const maxMissing = 500;

/** What all of one account's rooms say, searched and kept up to date. Changes follow each other; searches run beside them. */
export class SearchIndex implements Sink {
  private readonly shelf: Shelf;
  /** How long rooms keep their messages, in milliseconds. */
  private readonly lifetimes = new Map<string, number>();
  /** What was removed since the start: a page of history that was asked for before may still bring it. */
  private readonly removed = new Set<string>();
  private last: Promise<unknown> = Promise.resolve();
  private readonly now: () => number;

  constructor(shelf: Shelf, now: () => number = Date.now) {
    this.shelf = shelf;
    this.now = now;
  }

  private inTurn<T>(act: () => Promise<T>): Promise<T> {
    const mine = this.last.then(act, act);
    this.last = mine.catch(() => undefined);
    return mine;
  }

  state = (roomId: string): Promise<RoomState> => this.inTurn(() => Promise.resolve(this.shelf.room(roomId).state));

  flush = (): Promise<void> => this.inTurn(() => this.shelf.flush());

  /** Which of these messages the index does not have. */
  async unknown(roomId: string, ids: readonly string[]): Promise<string[]> {
    const room = this.shelf.room(roomId);
    const found: string[] = [];
    for (const id of ids) if (!(await this.shelf.find(room, id))) found.push(id);
    return found;
  }

  /** Takes up what happened in a room. It is on disk after the next flush. */
  apply(roomId: string, change: Change): Promise<Changed> {
    return this.inTurn(async () => {
      const room = this.shelf.room(roomId);
      const refresh: string[] = [];
      for (const id of change.remove ?? []) {
        const again = await this.remove(room, id);
        if (again !== null) refresh.push(again);
      }
      for (const e of change.add ?? []) await this.add(room, e, change.end);
      for (const e of change.edits ?? []) await this.edit(room, e, change.end);
      this.note(room, change);
      return { refresh };
    });
  }

  private note(room: Room, change: Change): void {
    const s = room.state;
    const same = (a: Job) => a.from === change.job?.was.from && a.until === change.job.was.until;
    let jobs = change.job === undefined ? s.jobs : s.jobs.flatMap((j) => (same(j) ? (change.job?.now ?? []) : j));
    if (change.addJob) jobs = [...jobs, change.addJob];
    const read = new Set([...(change.add ?? []), ...(change.edits ?? [])].map((e) => e.id));
    let missing = s.missing.filter(([id]) => !read.has(id));
    const known = new Set(missing.map(([id]) => id));
    missing = [...missing, ...(change.missing ?? []).filter(([id]) => !known.has(id))];
    const again = s.again || missing.length > maxMissing;
    this.shelf.setState(room, { begun: s.begun || change.begin === true, newest: change.newest ?? s.newest, jobs, missing: missing.slice(-maxMissing), again });
  }

  nextJob(): Promise<{ roomId: string; job: Job } | null> {
    return this.inTurn(() => {
      let next: { roomId: string; job: Job } | null = null;
      for (const [roomId, { state }] of this.shelf.rooms) for (const job of state.jobs) if (next === null || job.at > next.job.at) next = { roomId, job };
      return Promise.resolve(next);
    });
  }

  takeMissing(since: number): Promise<{ roomId: string; ids: string[] }[]> {
    return this.inTurn(() => {
      const found: { roomId: string; ids: string[] }[] = [];
      for (const [roomId, room] of this.shelf.rooms) {
        const { missing, again } = room.state;
        if (again && since === 0) {
          this.shelf.setState(room, { missing: [], again: false });
          this.shelf.readAgain(room);
        } else if (missing.length > 0) found.push({ roomId, ids: missing.filter(([, ts]) => ts >= since).map(([id]) => id) });
      }
      return Promise.resolve(found);
    });
  }

  private oldest(roomId: string): number {
    const lifetime = this.lifetimes.get(roomId);
    return lifetime === undefined ? -Infinity : this.now() - lifetime;
  }

  private async add(room: Room, e: Entry, end: "live" | "history"): Promise<void> {
    if (this.removed.has(e.id) || e.ts < this.oldest(room.state.roomId)) return;
    const fresh: Doc = { id: e.id, ts: e.ts, sender: e.sender, text: e.text.slice(0, maxText), kinds: kindBits(e.kinds), edit: "", editTs: 0, partial: false };
    const found = await this.shelf.find(room, e.id);
    if (found === null) {
      (await this.shelf.open(room, end)).set(e.id, fresh);
      return;
    }
    const { at, doc } = found;
    if (!doc.partial) return;
    // The edit was read before the message. It counts if the same person wrote it.
    const docs = await this.shelf.change(at);
    docs.set(e.id, doc.sender === e.sender ? { ...doc, ts: e.ts, partial: false } : fresh);
  }

  private async edit(room: Room, e: Edit, end: "live" | "history"): Promise<void> {
    if (this.removed.has(e.id) || this.removed.has(e.target)) return;
    const now = { sender: e.sender, text: e.text.slice(0, maxText), kinds: kindBits(e.kinds), edit: e.id, editTs: e.ts };
    const found = await this.shelf.find(room, e.target);
    if (found === null) {
      (await this.shelf.open(room, end)).set(e.target, { ...now, id: e.target, ts: e.ts, partial: true });
      return;
    }
    const { at, doc } = found;
    if (doc.id !== e.target || doc.sender !== e.sender || e.ts < doc.editTs || e.id === doc.edit) return;
    const docs = await this.shelf.change(at);
    docs.set(doc.id, { ...doc, ...now });
  }

  /** Removes a message; or its edit, and then says which message that was. */
  private async remove(room: Room, id: string): Promise<string | null> {
    this.removed.add(id);
    const found = await this.shelf.find(room, id);
    if (found === null) return null;
    (await this.shelf.change(found.at)).delete(found.doc.id);
    return found.doc.id === id || found.doc.partial ? null : found.doc.id;
  }

  removeRoom(roomId: string): Promise<void> {
    return this.inTurn(async () => {
      this.shelf.dropRoom(roomId);
      await this.shelf.flush();
    });
  }

  /** Keeps these rooms only. */
  keepRooms(roomIds: readonly string[]): Promise<void> {
    return this.inTurn(async () => {
      const kept = new Set(roomIds);
      for (const roomId of [...this.shelf.rooms.keys()]) if (!kept.has(roomId)) this.shelf.dropRoom(roomId);
      await this.shelf.flush();
    });
  }

  async setLifetimes(lifetimes: Readonly<Record<string, number | null>>): Promise<void> {
    for (const [roomId, lifetime] of Object.entries(lifetimes)) {
      if (lifetime === null) this.lifetimes.delete(roomId);
      else this.lifetimes.set(roomId, lifetime);
    }
    await this.expire();
  }

  /** Removes what is too old for its room. */
  expire(): Promise<void> {
    return this.inTurn(async () => {
      for (const roomId of this.lifetimes.keys()) {
        const room = this.shelf.rooms.get(roomId);
        const oldest = this.oldest(roomId);
        for (const s of [...(room?.segments.values() ?? [])]) {
          if (s.min >= oldest && !room?.changed.has(s.n)) continue;
          if (s.max < oldest && s.count > 0 && !room?.changed.has(s.n)) this.shelf.drop(s);
          else {
            const old = [...((await this.shelf.segment(s))?.docs ?? [])].filter((d) => d.ts < oldest);
            if (old.length === 0) continue;
            const docs = await this.shelf.change(s);
            for (const d of old) docs.delete(d.id);
          }
        }
      }
      await this.shelf.flush();
    });
  }

  /** How much of each room is indexed. */
  stats(): { rooms: Record<string, RoomStats>; bytes: number } {
    const rooms: Record<string, RoomStats> = {};
    let bytes = 0;
    for (const [roomId, room] of this.shelf.rooms) {
      let [count, oldest] = [0, Infinity];
      for (const s of room.segments.values()) {
        const docs = room.changed.get(s.n)?.docs;
        count += docs ? docs.size : s.count;
        oldest = docs ? [...docs.values()].reduce((t, d) => Math.min(t, d.ts), oldest) : Math.min(oldest, s.min);
        bytes += s.bytes;
      }
      rooms[roomId] = { count, oldest: Math.min(oldest, ...room.state.jobs.map((j) => j.at)), jobs: room.state.begun ? room.state.jobs.length : null };
    }
    return { rooms, bytes };
  }

  /** Searches. `stale` says that nobody waits for the answer any more. */
  async search(f: Find, stale: () => boolean = () => false): Promise<Found> {
    const wanted = f.rooms === null ? null : new Set(f.rooms);
    const segments = [...this.shelf.rooms.values()]
      .filter((r) => wanted === null || wanted.has(r.state.roomId))
      .flatMap((room) => [...room.segments.values()].map((s) => ({ s, max: newestOf(room, s) })))
      .filter(({ s, max }) => max >= (f.after ?? -Infinity) && (f.past === null || f.order === "best" || s.room.changed.has(s.n) || s.min <= f.past.ts))
      .filter(({ s }) => s.room.changed.has(s.n) || (s.min < (f.before ?? Infinity) && mayMatch(s.bloom, f.atoms)))
      .sort((a, b) => b.max - a.max);
    const best = f.order === "best";
    const found: { hit: Hit; points: number }[] = [];
    const sort = () => found.sort((a, b) => (best ? b.points - a.points : 0) || b.hit.ts - a.hit.ts || (a.hit.id < b.hit.id ? -1 : 1));
    const enough = f.limit + f.skip + 1;
    // All segments are opened for the best matches: the next ones come from disk while one is searched.
    const coming = new Map<number, Promise<Segment | null>>();
    const load = (i: number): Promise<Segment | null> => {
      let segment = coming.get(i);
      if (segment === undefined) {
        segment = segments[i] ? this.shelf.segment((segments[i] as { s: Shelved }).s) : Promise.resolve(null);
        segment.catch(() => undefined);
        coming.set(i, segment);
      }
      return segment;
    };
    for (let i = 0; i < segments.length && !stale(); i++) {
      const { s, max } = segments[i] as { s: Shelved; max: number };
      // What is left is older than a page of what was found.
      if (!best && found.length >= enough && max < (found[enough - 1]?.hit.ts ?? 0)) break;
      if (best) for (let next = i + 1; next <= i + ahead; next++) void load(next);
      const segment = await load(i);
      coming.delete(i);
      if (segment === null) continue;
      found.push(...this.hits(f, s.room.state.roomId, segment));
      sort();
      if (best) found.length = Math.min(found.length, enough);
    }
    return { hits: found.slice(f.skip, f.skip + f.limit).map((x) => x.hit), more: found.length > f.skip + f.limit };
  }

  private hits(f: Find, roomId: string, segment: Segment): { hit: Hit; points: number }[] {
    const oldest = Math.max(this.oldest(roomId), f.after ?? -Infinity);
    const kinds = kindBits(f.kinds);
    const found: { hit: Hit; points: number }[] = [];
    for (const i of matching(segment, f.atoms)) {
      const d = segment.docs[i] as Doc;
      if (d.partial || d.ts < oldest || d.ts >= (f.before ?? Infinity) || (d.kinds & kinds) !== kinds) continue;
      if ((f.senders !== null && !f.senders.includes(d.sender)) || f.not.includes(d.sender)) continue;
      if (f.order === "newest" && f.past !== null && (d.ts > f.past.ts || (d.ts === f.past.ts && d.id <= f.past.id))) continue;
      found.push({ hit: { roomId, id: d.id, ts: d.ts, sender: d.sender, text: d.text, edited: d.edit !== "" }, points: f.order === "best" ? score(segment, i, f.atoms) : 0 });
    }
    return found;
  }
}

/** The time of a segment's newest message; of one that is being changed it may be any. */
function newestOf(room: Room, s: Shelved): number {
  const changed = room.changed.get(s.n);
  return changed ? [...changed.docs.values()].reduce((t, d) => Math.max(t, d.ts), -Infinity) : s.max;
}

import type { RoomState } from "@/matrix/searchTypes.ts";
import { SealedChunks } from "./sealed.ts";
import { bloomOf, decode, type Doc, encode, isFull, mayHaveId, pack, type Segment, wordsOf } from "./segment.ts";

/** A segment as it is known without being opened. */
interface Meta {
  /** Which end grows by it: `live` takes what arrives, `history` what is read backwards. */
  end: "live" | "history" | "full";
  count: number;
  min: number;
  max: number;
  bytes: number;
}

export interface Shelved extends Meta {
  n: number;
  room: Room;
  bloom: Uint8Array;
}

/** A segment that has changed since it was written. */
interface Changed {
  docs: Map<string, Doc>;
  packed: Segment | null;
}

export class Room {
  readonly n: number;
  state: RoomState;
  readonly segments = new Map<number, Shelved>();
  readonly changed = new Map<number, Changed>();
  constructor(n: number, state: RoomState) {
    this.n = n;
    this.state = state;
  }
}

/** So many opened segments are held, some 0.3 MB each: memory does not grow with the index. */
const held = 24;

const utf8 = { encode: (v: unknown) => new TextEncoder().encode(JSON.stringify(v)), decode: <T>(b: Uint8Array): T => JSON.parse(new TextDecoder().decode(b)) as T };

/** The line about a segment: the length of a JSON text, that, and the Bloom filter. */
function encodeMeta(meta: Meta, bloom: Uint8Array): Uint8Array<ArrayBuffer> {
  const { end, count, min, max, bytes } = meta;
  const json = utf8.encode({ end, count, min, max, bytes });
  const out = new Uint8Array(2 + json.length + bloom.length);
  new DataView(out.buffer).setUint16(0, json.length);
  out.set(json, 2);
  out.set(bloom, 2 + json.length);
  return out;
}

function decodeMeta(bytes: Uint8Array<ArrayBuffer>): { meta: Meta; bloom: Uint8Array } {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint16(0);
  return { meta: utf8.decode<Meta>(bytes.subarray(2, 2 + length)), bloom: bytes.slice(2 + length) };
}

const freshState = (roomId: string): RoomState => ({ roomId, begun: false, newest: null, jobs: [], missing: [], again: false });

/**
 * The segments of all rooms: which there are, those that are open, and how they come from and to the disk. Chunks are named `r:ROOM` (state),
 * `m:ROOM:SEGMENT` (what is known of a segment) and `s:ROOM:SEGMENT`, by numbers that say nothing. A chunk that does not open is dropped, and its room read again.
 */
export class Shelf {
  readonly rooms = new Map<string, Room>();
  private readonly chunks: SealedChunks;
  private readonly cache = new Map<Shelved, Segment>();
  private readonly dirtyRooms = new Set<Room>();
  private readonly gone = new Set<string>();
  readonly known = new WeakMap<Doc, string[]>();
  private nextRoom = 1;
  private nextSegment = 1;

  private constructor(chunks: SealedChunks) {
    this.chunks = chunks;
  }

  static async open(chunks: SealedChunks): Promise<Shelf> {
    const shelf = new Shelf(chunks);
    const byNumber = new Map<number, Room>();
    for (const [name, bytes] of await chunks.all("r:")) {
      const n = Number(name.slice(2));
      shelf.nextRoom = Math.max(shelf.nextRoom, n + 1);
      if (bytes === null) shelf.gone.add(name);
      else {
        const room = new Room(n, utf8.decode<RoomState>(bytes));
        byNumber.set(n, room);
        shelf.rooms.set(room.state.roomId, room);
      }
    }
    for (const [name, bytes] of await chunks.all("m:")) {
      const [roomNumber, n] = name.slice(2).split(":").map(Number) as [number, number];
      shelf.nextSegment = Math.max(shelf.nextSegment, n + 1);
      const room = byNumber.get(roomNumber);
      if (room === undefined || bytes === null) {
        shelf.gone.add(name).add(`s:${roomNumber}:${n}`);
        if (room) shelf.readAgain(room);
      } else {
        const { meta, bloom } = decodeMeta(bytes);
        room.segments.set(n, { ...meta, n, room, bloom });
      }
    }
    if (shelf.gone.size > 0) await shelf.flush();
    return shelf;
  }

  room(roomId: string): Room {
    let room = this.rooms.get(roomId);
    if (room === undefined) this.rooms.set(roomId, (room = new Room(this.nextRoom++, freshState(roomId))));
    return room;
  }

  setState(room: Room, state: Partial<RoomState>): void {
    room.state = { ...room.state, ...state };
    this.dirtyRooms.add(room);
  }

  /** Lets a room's history be read once more; what is there already is passed over. */
  readAgain(room: Room): void {
    if (!room.state.jobs.some((j) => j.from === null && j.until === null)) this.setState(room, { jobs: [...room.state.jobs, { from: null, until: null, at: Date.now() }] });
  }

  /** A segment, opened; null if it is no more. */
  async segment(s: Shelved): Promise<Segment | null> {
    for (;;) {
      const now = s.room.segments.get(s.n);
      if (now === undefined) return null;
      const changed = now.room.changed.get(now.n);
      if (changed) return (changed.packed ??= pack([...changed.docs.values()], this.known));
      const cached = this.cache.get(now);
      if (cached) {
        this.cache.delete(now);
        this.cache.set(now, cached);
        return cached;
      }
      const bytes = await this.chunks.get(`s:${now.room.n}:${now.n}`);
      // It was written or deleted meanwhile.
      if (now.room.segments.get(now.n) !== now || now.room.changed.has(now.n)) continue;
      if (!bytes) {
        this.drop(now);
        this.readAgain(now.room);
        return null;
      }
      const segment = decode(bytes);
      this.hold(now, segment);
      return segment;
    }
  }

  private hold(s: Shelved, segment: Segment): void {
    this.cache.set(s, segment);
    if (this.cache.size > held) this.cache.delete(this.cache.keys().next().value as Shelved);
  }

  /** Forgets a segment. */
  drop(s: Shelved): void {
    s.room.segments.delete(s.n);
    s.room.changed.delete(s.n);
    this.cache.delete(s);
    this.gone.add(`m:${s.room.n}:${s.n}`).add(`s:${s.room.n}:${s.n}`);
  }

  /** Forgets a room. */
  dropRoom(roomId: string): void {
    const room = this.rooms.get(roomId);
    if (room === undefined) return;
    for (const s of room.segments.values()) this.drop(s);
    this.rooms.delete(roomId);
    this.dirtyRooms.delete(room);
    this.gone.add(`r:${room.n}`);
  }

  /** Finds a message by its id or that of its edit. */
  async find(room: Room, id: string): Promise<{ at: Shelved; doc: Doc } | null> {
    for (const s of [...room.segments.values()]) {
      const changed = room.changed.get(s.n);
      if (changed) {
        const doc = changed.docs.get(id) ?? [...changed.docs.values()].find((d) => d.edit === id);
        if (doc) return { at: s, doc };
      } else if (mayHaveId(s.bloom, id)) {
        const segment = await this.segment(s);
        const d = segment?.byId.get(id);
        if (segment && d !== undefined) return { at: s, doc: segment.docs[d] as Doc };
      }
    }
    return null;
  }

  /** The messages of a segment, to be changed. */
  async change(s: Shelved): Promise<Map<string, Doc>> {
    const known = s.room.changed.get(s.n);
    if (known) {
      known.packed = null;
      return known.docs;
    }
    const segment = await this.segment(s);
    const docs = new Map<string, Doc>();
    if (segment) {
      wordsOf(segment, this.known);
      for (const d of segment.docs) docs.set(d.id, d);
    }
    s.room.segments.set(s.n, s);
    s.room.changed.set(s.n, { docs, packed: null });
    return docs;
  }

  /** The segment that takes what is new at one end of a room. */
  async open(room: Room, end: "live" | "history"): Promise<Map<string, Doc>> {
    const open = [...room.segments.values()].find((s) => s.end === end);
    if (open) {
      const docs = await this.change(open);
      if (!isFull([...docs.values()])) return docs;
      open.end = "full";
    }
    const s: Shelved = { n: this.nextSegment++, room, end, count: 0, min: Infinity, max: -Infinity, bytes: 0, bloom: new Uint8Array(8) };
    // Not by change: there is nothing on disk yet, which would be taken for a loss.
    const docs = new Map<string, Doc>();
    room.segments.set(s.n, s);
    room.changed.set(s.n, { docs, packed: null });
    return docs;
  }

  /** Writes what has changed, all of it or nothing. Searches meanwhile see what is being written. */
  async flush(): Promise<void> {
    const gone = [...this.gone];
    const writes = new Map<string, Uint8Array<ArrayBuffer> | null>(gone.map((name) => [name, null]));
    const fresh: (() => void)[] = [];
    const rooms = new Set(this.dirtyRooms);
    for (const room of this.rooms.values()) {
      for (const [n, c] of room.changed) {
        const names = [`m:${room.n}:${n}`, `s:${room.n}:${n}`] as const;
        const old = room.segments.get(n) as Shelved;
        if (c.docs.size === 0) {
          for (const name of names) writes.set(name, null);
          fresh.push(() => (room.segments.delete(n), room.changed.delete(n)));
          continue;
        }
        const packed = (c.packed ??= pack([...c.docs.values()], this.known));
        const [bytes, bloom] = [encode(packed), bloomOf(packed)];
        const times = packed.docs.map((d) => d.ts);
        const s: Shelved = { ...old, bloom, count: packed.docs.filter((d) => !d.partial).length, min: Math.min(...times), max: Math.max(...times), bytes: bytes.length + bloom.length };
        writes.set(names[0], encodeMeta(s, bloom)).set(names[1], bytes);
        rooms.add(room);
        fresh.push(() => {
          this.cache.delete(old);
          room.segments.set(n, s);
          room.changed.delete(n);
          this.hold(s, packed);
        });
      }
    }
    for (const room of rooms) writes.set(`r:${room.n}`, utf8.encode(room.state));
    if (writes.size === 0) return;
    for (const room of rooms) this.dirtyRooms.delete(room);
    try {
      await this.chunks.put(writes);
    } catch (err) {
      for (const room of rooms) this.dirtyRooms.add(room);
      throw err;
    }
    for (const name of gone) this.gone.delete(name);
    for (const done of fresh) done();
  }
}

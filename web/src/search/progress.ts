import type { RoomStats } from "./index.ts";

/** How far the index is. */
export interface Progress {
  messages: number;
  /** How many there will be, as far as that can be told; null: everything is indexed. */
  about: number | null;
  rooms: number;
  done: number;
  bytes: number;
}

interface Room {
  id: string;
  created: number;
}

/** Two leading digits: more would be a precision that a guess does not have. */
function rounded(n: number): number {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, n))) - 1);
  return Math.ceil(n / unit) * unit;
}

/**
 * The server does not say how many messages a room has. What was read so far of its time says how many there may be; a room of which nothing was read
 * counts as one of those that were.
 */
export function progressOf(stats: { rooms: Record<string, RoomStats>; bytes: number }, rooms: readonly Room[], now = Date.now()): Progress {
  let [messages, done, about, untouched] = [0, 0, 0, 0];
  for (const { id, created } of rooms) {
    const r = stats.rooms[id];
    if (r === undefined || r.jobs === null) {
      untouched++;
      continue;
    }
    messages += r.count;
    if (r.jobs === 0) {
      done++;
      about += r.count;
      continue;
    }
    const [read, whole] = [now - Math.min(now, r.oldest), Math.max(1, now - created)];
    // At the beginning a short time says little: at most twenty times what is there.
    about += r.count * Math.min(20, Math.max(1, whole / Math.max(1, read)));
  }
  const touched = rooms.length - untouched;
  if (untouched > 0 && touched > 0) about += (about / touched) * untouched;
  return { messages, about: done === rooms.length ? null : Math.max(messages, rounded(about)), rooms: rooms.length, done, bytes: stats.bytes };
}

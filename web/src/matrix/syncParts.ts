import { SyncApi } from "matrix-js-sdk/lib/sync.js";

/*
 * The SDK works through all rooms of a sync's answer in one go, during which the page can paint nothing and takes no key press. So a large
 * answer is handed to it a few rooms at a time, and between two hands the browser has its turn. To the rest of the SDK it stays one answer:
 * the token moves on, and is kept on the disk, when all of it is through; a page that is closed before that asks for the whole once more.
 */

interface Joined {
  timeline?: { events?: unknown[]; limited?: boolean; prev_batch?: string };
  state?: { events?: unknown[] };
  "org.matrix.msc4222.state_after"?: { events?: unknown[] };
}

export interface Answer {
  rooms?: { invite?: object; join?: Record<string, Joined>; leave?: object; knock?: object };
  [more: string]: unknown;
}

/** As much as is done without a pause, in events; a room is never divided. */
const portion = 120;
/**
 * How long the page may be kept waiting before the next pause, in milliseconds. At the start, when the app reads what it kept, a pause is worth less
 * than being done.
 */
const patience = { live: 8, start: 40 };

const weight = (room: Joined): number =>
  4 + (room.timeline?.events?.length ?? 0) + Math.max(room.state?.events?.length ?? 0, room["org.matrix.msc4222.state_after"]?.events?.length ?? 0);

/**
 * Divides an answer by its joined rooms, in their order. All that is not a room is in the first part, keys among it, so that they are there before
 * what they open; rooms that were left are in the last, as the SDK takes them after the joined ones.
 */
export function partsOf(answer: Answer): Answer[] {
  const groups: Record<string, Joined>[] = [{}];
  let size = 0;
  for (const [id, room] of Object.entries(answer.rooms?.join ?? {})) {
    const w = weight(room);
    if (size > 0 && size + w > portion) {
      groups.push({});
      size = 0;
    }
    (groups.at(-1) as Record<string, Joined>)[id] = room;
    size += w;
  }
  if (groups.length === 1) return [answer];
  const { leave, knock, ...first } = answer.rooms ?? {};
  return groups.map((join, i) => {
    const last = i === groups.length - 1 ? { ...(leave ? { leave } : {}), ...(knock ? { knock } : {}) } : {};
    return i === 0 ? { ...answer, rooms: { ...first, join } } : { rooms: { join, ...last } };
  });
}

/** Lets the page paint and take what was typed. A page in the background has no frames; there a timer takes their place. */
export function pause(): Promise<void> {
  return new Promise((done) => {
    const next = () => {
      cancelAnimationFrame(frame);
      clearTimeout(timer);
      // In a task of its own, after the frame is painted.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        done();
      };
      port2.postMessage(null);
    };
    const frame = requestAnimationFrame(next);
    const timer = setTimeout(next, 50);
  });
}

/** What of the SDK's sync this reaches into; the SDK's version is pinned, and a test runs it. */
export interface Inner {
  running: boolean;
  catchingUp: boolean;
  syncOpts: { cryptoCallbacks?: { onCryptoEvent(room: unknown, event: unknown): Promise<void>; processSyncChanges(changes: unknown): Promise<unknown[]> } };
}
export type Process = (this: Inner, info: { fromCache?: boolean }, answer: Answer) => Promise<void>;

/** The SDK's own way through an answer, but in parts. What fails in one does not keep the others from being worked through. */
export function inParts(whole: Process, wait: () => Promise<void> = pause, now: () => number = () => performance.now()): Process {
  return async function (info, answer) {
    const [first, ...rest] = partsOf(answer);
    if (rest.length === 0) return whole.call(this, info, answer);
    const failures: unknown[] = [];
    const hand = (part: Answer) => whole.call(this, info, part).catch((err: unknown) => void failures.push(err));
    let began = now();
    await hand(first as Answer);
    const { syncOpts, catchingUp } = this;
    const crypto = syncOpts.cryptoCallbacks;
    // The encryption was told everything with the first part; a part without numbers of keys would tell it that there are none.
    if (crypto) this.syncOpts = { ...syncOpts, cryptoCallbacks: { onCryptoEvent: (room, event) => crypto.onCryptoEvent(room, event), processSyncChanges: () => Promise.resolve([]) } };
    for (const part of rest) {
      if (now() - began > (info.fromCache ? patience.start : patience.live)) {
        await wait();
        began = now();
      }
      if (!this.running) break;
      await hand(part);
    }
    this.syncOpts = syncOpts;
    this.catchingUp = catchingUp;
    if (failures.length > 0) throw failures[0];
  };
}

const api = SyncApi.prototype as unknown as { processSyncResponse: Process };
api.processSyncResponse = inParts(api.processSyncResponse);

import { type Find, type Found, SearchIndex } from "./index.ts";
import { SealedChunks } from "./sealed.ts";
import { Shelf } from "./shelf.ts";

/*
 * The index as it is called from the page: it lives in a worker, so that neither searching nor sealing takes time from what is drawn.
 * A call is { id, op, args }, its answer { id, value } or { id, error }.
 */
export interface Call {
  id: number;
  op: keyof Service;
  args: unknown[];
}

export interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

export type Service = ReturnType<typeof makeService>;

/** What arrives is written after so long; what history brings, at once. */
const delay = 1500;
const expiry = 10 * 60_000;

export function makeService() {
  let chunks: SealedChunks | null = null;
  let index: SearchIndex | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ticking: ReturnType<typeof setInterval> | undefined;
  let searches = 0;
  const open = (): SearchIndex => {
    if (index === null) throw new Error("the index is closed");
    return index;
  };
  const flush = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    await index?.flush();
  };
  return {
    async open(userId: string, keys: CryptoKey[]): Promise<void> {
      chunks = await SealedChunks.open(userId, keys);
      index = new SearchIndex(await Shelf.open(chunks));
      ticking = setInterval(() => void index?.expire().catch(() => undefined), expiry);
    },
    async close(): Promise<void> {
      clearInterval(ticking);
      await flush();
      chunks?.close();
      index = chunks = null;
    },
    /** The secret has changed: seals the index's key by a new one. */
    rewrap: async (key: CryptoKey): Promise<void> => chunks?.wrap(key),
    flush,
    state: (roomId: string) => open().state(roomId),
    unknown: (roomId: string, ids: readonly string[]) => open().unknown(roomId, ids),
    async apply(roomId: string, change: Parameters<SearchIndex["apply"]>[1]) {
      const changed = await open().apply(roomId, change);
      if (change.end === "history") await flush();
      else timer ??= setTimeout(() => void flush().catch(() => undefined), delay);
      return changed;
    },
    removeRoom: (roomId: string) => open().removeRoom(roomId),
    keepRooms: (roomIds: readonly string[]) => open().keepRooms(roomIds),
    setLifetimes: (lifetimes: Readonly<Record<string, number | null>>) => open().setLifetimes(lifetimes),
    nextJob: () => open().nextJob(),
    takeMissing: (since: number) => open().takeMissing(since),
    stats: () => Promise.resolve(open().stats()),
    /** A search ends when the next one begins. */
    search(find: Find): Promise<Found> {
      const mine = ++searches;
      return open().search(find, () => mine !== searches);
    },
  };
}

/** Calls of the service, whoever carries them. */
export type Remote = { [K in keyof Service]: (...args: Parameters<Service[K]>) => Promise<Awaited<ReturnType<Service[K]>>> };

/** Calls the service in a worker. `end` is for when the worker ends: what waits for it fails. */
export function remote(worker: Pick<Worker, "postMessage" | "addEventListener">): { index: Remote; end: () => void } {
  const waiting = new Map<number, { resolve: (v: never) => void; reject: (e: Error) => void }>();
  let next = 0;
  worker.addEventListener("message", ((e: MessageEvent<Answer>) => {
    const call = waiting.get(e.data.id);
    waiting.delete(e.data.id);
    if (e.data.error === undefined) call?.resolve(e.data.value as never);
    else call?.reject(new Error(e.data.error));
  }) as EventListener);
  const call = (op: keyof Service) => (...args: unknown[]) =>
    new Promise((resolve, reject) => {
      waiting.set(++next, { resolve, reject });
      worker.postMessage({ id: next, op, args } satisfies Call);
    });
  return {
    index: new Proxy({} as Remote, { get: (_, op) => (op === "then" ? undefined : call(op as keyof Service)) }),
    end: () => {
      for (const { reject } of waiting.values()) reject(new Error("the index is closed"));
      waiting.clear();
    },
  };
}

import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { state as clientState } from "@/matrix/client.ts";
import { keptSession } from "@/matrix/session.ts";
import { Feed, type Halt, searchedRooms } from "@/matrix/searchFeed.ts";
import { searchSecretChanges, searchSecrets } from "@/matrix/searchKey.ts";
import type { Find, Found } from "./index.ts";
import { type Progress, progressOf } from "./progress.ts";
import { type Remote, remote } from "./protocol.ts";
import { databaseName, wrappingKey } from "./sealed.ts";

/** What the user wants of the index, in this browser. */
export interface Wishes {
  /** Whether there is an index at all. */
  on: boolean;
  /** Whether it stops going back through the history. */
  paused: boolean;
}

interface State {
  wishes: Wishes;
  /** `failed`: the browser does not let us keep an index. */
  phase: "off" | "starting" | "ready" | "failed";
  progress: Progress | null;
  halt: Halt;
  /** Goes up when the index has changed: what was found may be other now. */
  version: number;
}

const wishesName = "conclave.search";

function keptWishes(): Wishes {
  try {
    return { on: true, paused: false, ...(JSON.parse(localStorage.getItem(wishesName) ?? "{}") as Partial<Wishes>) };
  } catch {
    return { on: true, paused: false };
  }
}

export const search = createStore<State>(() => ({ wishes: keptWishes(), phase: "off", progress: null, halt: null, version: 0 }));
export const useSearch = <T>(pick: (s: State) => T): T => useStore(search, pick);

interface Running {
  worker: Worker;
  index: Remote;
  feed: Feed;
  stop: () => void;
}

let running: Running | null = null;
let starting: Promise<void> | null = null;

/** Starts the index of who is signed in, if the user wants one. It stops by itself when the app does. */
export function startSearch(): Promise<void> {
  if (running !== null || !search.getState().wishes.on || clientState.getState().phase !== "ready") return Promise.resolve();
  starting ??= start()
    .catch((err: unknown) => {
      if (running === null) return; // it was stopped meanwhile
      console.warn("search", err);
      stop();
      search.setState({ phase: "failed" });
    })
    .finally(() => (starting = null));
  return starting;
}

async function start(): Promise<void> {
  const session = keptSession();
  if (session === null) return;
  search.setState({ phase: "starting", progress: null });
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  const { index, end } = remote(worker);
  const feed = new Feed(index, () => search.getState().wishes.paused, () => noteProgress());
  const flush = () => document.visibilityState === "hidden" && void index.flush().catch(() => undefined);
  document.addEventListener("visibilitychange", flush);
  const stops = [
    () => document.removeEventListener("visibilitychange", flush),
    clientState.subscribe((now) => now.phase !== "ready" && stop()),
    searchSecretChanges.subscribe(() => void keys().then(([first]) => first && index.rewrap(first))),
  ];
  running = { worker, index, feed, stop: () => [...stops, end].forEach((s) => s()) };
  worker.addEventListener("error", () => {
    if (running?.worker !== worker) return;
    stop();
    search.setState({ phase: "failed" });
  });
  await index.open(session.userId, await keys());
  if (running?.worker !== worker) return;
  search.setState({ phase: "ready" });
  noteProgress();
  await feed.start();
}

const keys = async (): Promise<CryptoKey[]> => Promise.all((await searchSecrets()).map(wrappingKey));

function stop(): void {
  running?.stop();
  running?.feed.stop();
  running?.worker.terminate();
  running = null;
  clearTimeout(noting);
  noting = undefined;
  search.setState({ phase: "off", progress: null, halt: null });
}

let noting: ReturnType<typeof setTimeout> | undefined;

/** Tells how far the index is, at most twice a second. */
function noteProgress(): void {
  noting ??= setTimeout(() => {
    noting = undefined;
    const now = running;
    if (now === null) return;
    void now.index.stats().then(
      (stats) => running === now && search.setState((s) => ({ progress: progressOf(stats, searchedRooms()), halt: now.feed.halt, version: s.version + 1 })),
      () => undefined,
    );
  }, 500);
}

/** Searches the index. */
export async function find(what: Find): Promise<Found> {
  if (running === null) return { hits: [], more: false };
  return running.index.search(what);
}

function keepWishes(wishes: Partial<Wishes>): void {
  search.setState((s) => ({ wishes: { ...s.wishes, ...wishes } }));
  localStorage.setItem(wishesName, JSON.stringify(search.getState().wishes));
}

/** Stops going back through the history, or goes on. */
export function setPaused(paused: boolean): void {
  keepWishes({ paused });
  running?.feed.poke();
}

/** Deletes the index and keeps none, or makes one. */
export async function setOn(on: boolean): Promise<void> {
  keepWishes({ on });
  if (on) return startSearch();
  await deleteIndex();
}

/** Deletes the index and begins another one. */
export async function rebuild(): Promise<void> {
  await deleteIndex();
  await startSearch();
}

async function deleteIndex(): Promise<void> {
  await starting;
  stop();
  await new Promise<void>((done, fail) => {
    const request = indexedDB.deleteDatabase(databaseName);
    request.onsuccess = request.onblocked = () => done();
    request.onerror = () => fail(request.error ?? new Error("IndexedDB"));
  });
}

import { ConnectionError, EventStatus, MatrixError, MatrixEvent, MatrixEventEvent, type Room, RoomEvent } from "matrix-js-sdk";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { client, state } from "./client.ts";
import { logger } from "./logger.ts";
import { sealedStore } from "./outboxStore.ts";

/*
 * What is written leaves through here, in order within a room. An entry is kept, sealed, until the server has confirmed it, and is sent
 * under the same transaction id each time: a message of which nobody knows whether it arrived is sent again and still arrives once.
 * While it waits the SDK shows it in the timeline as queued.
 */

/** A text as it was typed, with those whom it mentions. */
export interface Source {
  text: string;
  mentions: { text: string; id: string }[];
}

export interface OutboxEntry {
  txnId: string;
  roomId: string;
  threadId: string | null;
  type: string;
  content: Record<string, unknown>;
  /** The text as it was typed, for putting it back; null for what was not typed. */
  source: Source | null;
  /** Why the server refused it; it then waits for its writer. */
  error: { code: string; message: string } | null;
}

const store = sealedStore<OutboxEntry[]>("outbox");
/** `stalled`: the last attempt did not reach the server. */
const entries = createStore<{ list: OutboxEntry[]; loaded: boolean; stalled: boolean }>(() => ({ list: [], loaded: false, stalled: false }));
const echoes = new Map<string, MatrixEvent>();
const running = new Set<string>();
let again: ReturnType<typeof setTimeout> | undefined;
let listening: unknown = null;

const retryDelay = 3000; // milliseconds; while the browser says it is offline nothing is tried

function change(act: (list: OutboxEntry[]) => OutboxEntry[]): Promise<void> {
  const list = act(entries.getState().list);
  entries.setState({ list });
  return store.save(list);
}

const drop = (txnId: string): Promise<void> => {
  echoes.delete(txnId);
  return change((list) => list.filter((e) => e.txnId !== txnId));
};

/** Whether sending again by itself can help: the server was not reached, or says that it is busy. */
export function isTransient(err: unknown): boolean {
  if (err instanceof ConnectionError) return true;
  if (err instanceof MatrixError) return err.httpStatus === 429 || (err.httpStatus ?? 0) >= 502;
  return err instanceof DOMException && (err.name === "AbortError" || err.name === "TimeoutError");
}

/** What went wrong, for the reader: the server's own words where it has some. */
export function reasonOf(err: unknown): { code: string; message: string } {
  if (err instanceof MatrixError) return { code: err.errcode ?? "M_UNKNOWN", message: err.data.error ?? err.message };
  return { code: "", message: err instanceof Error ? err.message : String(err) };
}

/** Puts a message into the timeline before it is sent. */
function echo(entry: Omit<OutboxEntry, "source" | "error"> & { redacts?: string }, room: Room): MatrixEvent {
  const known = echoes.get(entry.txnId) ?? room.getEventForTxnId(entry.txnId);
  if (known) return known;
  const c = client();
  const sender = c.getSafeUserId();
  const event = new MatrixEvent({
    event_id: `~${entry.roomId}:${entry.txnId}`, room_id: entry.roomId, sender,
    type: entry.type, content: structuredClone(entry.content), origin_server_ts: Date.now(),
    ...(entry.redacts === undefined ? {} : { redacts: entry.redacts }),
  });
  const thread = entry.threadId === null ? null : room.getThread(entry.threadId);
  if (thread) event.setThread(thread);
  c.reEmitter.reEmit(event, [MatrixEventEvent.Replaced, MatrixEventEvent.VisibilityChange]);
  room.reEmitter.reEmit(event, [MatrixEventEvent.BeforeRedaction]);
  event.setTxnId(entry.txnId);
  event.setStatus(EventStatus.SENDING);
  echoes.set(entry.txnId, event);
  room.addPendingEvent(event, entry.txnId);
  room.updatePendingEvent(event, EventStatus.QUEUED);
  return event;
}

const settled = (event: MatrixEvent): boolean => event.status === null || event.status === EventStatus.SENT || event.status === EventStatus.CANCELLED;

async function attempt(entry: OutboxEntry): Promise<"done" | "later"> {
  const c = client();
  const room = c.getRoom(entry.roomId);
  if (room === null) return "later"; // the first sync is still to come
  const event = echo(entry, room);
  if (!settled(event)) {
    try {
      const { event_id: id } = await c.resendEvent(event, room);
      // The sync may have brought it before the page was loaded again: then the echo would stay forever.
      const local = `~${entry.roomId}:${entry.txnId}`;
      if (room.hasPendingEvent(local) && room.findEventById(id) && room.findEventById(id) !== event) room.removePendingEvent(local);
    } catch (err) {
      if (settled(event)) return "done";
      if (isTransient(err)) {
        if (event.status === EventStatus.NOT_SENT) room.updatePendingEvent(event, EventStatus.QUEUED);
        return "later";
      }
      await change((list) => list.map((e) => (e.txnId === entry.txnId ? { ...e, error: reasonOf(err) } : e)));
      return "done";
    }
  }
  await drop(entry.txnId);
  return "done";
}

async function pump(roomId: string): Promise<void> {
  if (running.has(roomId) || state.getState().phase !== "ready") return;
  running.add(roomId);
  try {
    for (;;) {
      const entry = entries.getState().list.find((e) => e.roomId === roomId && e.error === null);
      if (!entry) return;
      if (!navigator.onLine || (await attempt(entry)) === "later") {
        entries.setState({ stalled: true });
        clearTimeout(again);
        again = setTimeout(pumpAll, retryDelay);
        return;
      }
      entries.setState({ stalled: false });
    }
  } catch (err) {
    logger.error("outbox", err);
  } finally {
    running.delete(roomId);
  }
}

function pumpAll(): void {
  if (state.getState().phase !== "ready") return;
  for (const roomId of new Set(entries.getState().list.map((e) => e.roomId))) void pump(roomId);
}

/** Sends something to a room as soon as that is possible, after all that was written there before. Resolves when it would survive a reload. */
export async function enqueue(entry: Omit<OutboxEntry, "txnId" | "error">): Promise<void> {
  const full: OutboxEntry = { ...entry, txnId: client().makeTxnId(), error: null };
  const saved = change((list) => [...list, full]);
  const room = client().getRoom(entry.roomId);
  if (room) echo(full, room);
  await saved;
  void pump(entry.roomId);
}

/**
 * Sends what nobody has to write again, such as a reaction, at once: where it is not taken nothing of it stays, and the caller says why.
 * The SDK's own way refuses while another message of the room waits for its writer.
 */
export async function sendOrDrop(roomId: string, threadId: string | null, type: string, content: Record<string, unknown>, redacts?: string): Promise<void> {
  const c = client();
  const room = c.getRoom(roomId);
  if (room === null) throw new Error("no such room");
  const txnId = c.makeTxnId();
  const event = echo({ txnId, roomId, threadId, type, content, ...(redacts === undefined ? {} : { redacts }) }, room);
  try {
    await c.resendEvent(event, room);
  } catch (err) {
    if (event.status === EventStatus.NOT_SENT || event.status === EventStatus.QUEUED) c.cancelPendingEvent(event);
    throw err;
  } finally {
    echoes.delete(txnId);
  }
}

/** Tries a refused message again. */
export async function retry(txnId: string): Promise<void> {
  const entry = entries.getState().list.find((e) => e.txnId === txnId);
  if (!entry) return;
  const event = echoes.get(txnId);
  if (event?.status === EventStatus.NOT_SENT) client().getRoom(entry.roomId)?.updatePendingEvent(event, EventStatus.QUEUED);
  await change((list) => list.map((e) => (e.txnId === txnId ? { ...e, error: null } : e)));
  void pump(entry.roomId);
}

/** Gives a refused or waiting message up: it disappears from the timeline. */
export async function discard(txnId: string): Promise<void> {
  const event = echoes.get(txnId);
  if (event && (event.status === EventStatus.NOT_SENT || event.status === EventStatus.QUEUED)) client().cancelPendingEvent(event);
  await drop(txnId);
}

/** Whether it is a file under which something can be said: not a voice message. */
export const hasCaption = ({ content }: OutboxEntry): boolean => typeof content.filename === "string" && !("org.matrix.msc3245.voice" in content);

/** Sends a refused message with another content in its place. */
export async function revise(entry: OutboxEntry, content: Record<string, unknown>): Promise<void> {
  const { txnId, error: _, ...rest } = entry;
  await discard(txnId);
  await enqueue({ ...rest, content });
}

/** What of a room or thread was refused. */
export function useRefused(roomId: string, threadId: string | null): OutboxEntry[] {
  const list = useStore(entries, (s) => s.list);
  return list.filter((e) => e.error !== null && e.roomId === roomId && e.threadId === threadId);
}

/** How many messages wait because the server is not reached. */
export function useWaiting(roomId: string): number {
  return useStore(entries, (s) => (s.stalled ? s.list.filter((e) => e.roomId === roomId && e.error === null).length : 0));
}

async function begin(): Promise<void> {
  const c = client();
  if (listening !== c) {
    listening = c;
    echoes.clear();
    // The server's copy arrived, or somebody gave the message up or sent it again from the timeline.
    c.on(RoomEvent.LocalEchoUpdated, (event) => {
      const txnId = event.getTxnId();
      if (txnId === undefined || echoes.get(txnId) !== event || !settled(event)) return;
      if (entries.getState().list.some((e) => e.txnId === txnId)) void drop(txnId);
    });
  }
  if (!entries.getState().loaded) {
    const kept = (await store.load()) ?? [];
    entries.setState((s) => ({ list: [...kept.filter((k) => !s.list.some((e) => e.txnId === k.txnId)), ...s.list], loaded: true }));
  }
  for (const entry of entries.getState().list) {
    const room = c.getRoom(entry.roomId);
    if (!room || echoes.has(entry.txnId)) continue;
    const event = echo(entry, room);
    if (entry.error !== null && event.status === EventStatus.QUEUED) room.updatePendingEvent(event, EventStatus.NOT_SENT);
  }
  pumpAll();
}

function follow(now: ReturnType<typeof state.getState>, before?: ReturnType<typeof state.getState>): void {
  if (now.phase === "signed-out" || now.phase === "removed" || now.phase === "elsewhere") {
    clearTimeout(again);
    echoes.clear();
    entries.setState({ list: [], loaded: false, stalled: false });
  } else if (now.phase === "ready" && (before?.phase !== "ready" || (now.synced && !before.synced))) {
    void begin().catch((err: unknown) => logger.error("outbox", err));
  } else if (now.phase === "ready" && now.online && !before?.online) {
    pumpAll();
  }
}

state.subscribe(follow);
follow(state.getState());
if (typeof window !== "undefined") window.addEventListener("online", pumpAll);

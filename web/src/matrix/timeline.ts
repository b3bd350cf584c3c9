import { Direction } from "matrix-js-sdk";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { client } from "./client.ts";
import { discard, retry } from "./outbox.ts";
import { markRead } from "./receipts.ts";
import { type Place, TimelineModel, type TimelineView } from "./timelineModel.ts";

export type { Place, Target, TimelineView } from "./timelineModel.ts";
export type { TimelineModel } from "./timelineModel.ts";

/** A timeline that is opened at an event, or else at the first unread message or the end. */
export function useTimeline({ roomId, threadId }: Place): [TimelineView, TimelineModel] {
  const model = useMemo(() => new TimelineModel({ roomId, threadId }), [roomId, threadId]);
  const view = useSyncExternalStore(model.subscribe, model.getView, model.getView);
  return [view, model];
}

/** Opens the timeline when it is first shown, and at each event that the address names. */
export function useOpening(model: TimelineModel, eventId: string | undefined, onElsewhere: (threadId: string | null) => void): void {
  useEffect(() => {
    void (async () => {
      if (eventId === undefined) {
        if (model.getView().phase !== "ready") await model.openUnread();
        return;
      }
      const found = await model.openAt(eventId);
      if (found) return;
      if (model.getView().phase !== "ready") await model.openUnread();
      onElsewhere(await threadOfEvent(model.roomId, eventId));
    })();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the callback is what it does, not which one it is
  }, [model, eventId]);
}

/** The thread that an event is in; null if in none, or if it is not to be had. */
async function threadOfEvent(roomId: string, eventId: string): Promise<string | null> {
  try {
    const known = client().getRoom(roomId)?.findEventById(eventId);
    if (known) return known.isThreadRoot ? null : (known.threadRootId ?? null);
    const { content } = await client().fetchRoomEvent(roomId, eventId);
    const relation = (content as Record<string, unknown> | undefined)?.["m.relates_to"] as { rel_type?: string; event_id?: string } | undefined;
    return relation?.rel_type === "m.thread" ? (relation.event_id ?? null) : null;
  } catch {
    return null;
  }
}

/** Says that everything up to a message was read; the last one covers what is not shown after it, such as reactions. */
export function markReadUpTo(model: TimelineModel, id: string, isLast: boolean): void {
  const event = isLast ? model.lastEvent() : model.event(id);
  if (event !== null) void markRead(model.roomId, model.threadId, event);
}

/** The id of the first event at or after a point in time; null if there is none. */
export async function eventAt(roomId: string, time: number): Promise<string | null> {
  try {
    return (await client().timestampToEvent(roomId, time, Direction.Forward)).event_id;
  } catch {
    return null;
  }
}

const unsent = (roomId: string, id: string) => client().getRoom(roomId)?.getPendingEvents().find((e) => e.getId() === id);

/** Sends a message that failed once more: those that wait in the outbox leave through it, others (reactions, votes) directly. */
export async function retrySending(roomId: string, id: string): Promise<void> {
  const [room, event] = [client().getRoom(roomId), unsent(roomId, id)];
  if (!room || !event) return;
  await retry(event.getTxnId() ?? "");
  if (event.status === "not_sent") await client().resendEvent(event, room).catch(() => undefined);
}

/** Drops a message that could not be sent. */
export async function dropUnsent(roomId: string, id: string): Promise<void> {
  const event = unsent(roomId, id);
  if (!event) return;
  await discard(event.getTxnId() ?? "");
  if (event.status === "not_sent") client().cancelPendingEvent(event);
}

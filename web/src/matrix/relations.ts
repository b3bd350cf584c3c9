import { type MatrixEvent, MatrixEventEvent, RoomEvent } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import { client } from "./client.ts";
import { bodyOf, type Body, messageBody, type Person, personOf } from "./message.ts";
import { sendOrDrop } from "./outbox.ts";
import { isGone } from "./retention.ts";
import { same } from "./timelineSame.ts";
import { useView } from "./subscribe.ts";

/** Finds an event that is in memory, also one that is being sent, but none that is too old for its room: the server has it no more. */
export function findEvent(roomId: string, id: string): MatrixEvent | null {
  const room = client().getRoom(roomId);
  const event = room?.findEventById(id) ?? room?.getPendingEvents().find((e) => e.getId() === id) ?? null;
  return event !== null && isGone(event) ? null : event;
}

const fetched = new Map<string, Promise<MatrixEvent | null>>();

/** Finds an event, at the server if need be. Those from there are kept: a quoted message may be quoted many times. */
export function fetchEvent(roomId: string, id: string): Promise<MatrixEvent | null> {
  const here = findEvent(roomId, id);
  if (here) return Promise.resolve(here);
  const key = `${roomId} ${id}`;
  let found = fetched.get(key);
  if (!found) {
    found = (async () => {
      const event = client().getEventMapper()(await client().fetchRoomEvent(roomId, id));
      await client().decryptEventIfNeeded(event);
      return event;
    })().catch(() => {
      fetched.delete(key);
      return null;
    });
    fetched.set(key, found);
    if (fetched.size > 500) fetched.delete(fetched.keys().next().value as string);
  }
  return found;
}

/** A message that another one refers to. */
export interface Quoted {
  id: string;
  sender: Person;
  body: Body;
  at: number;
}

/** A message as it is now, by its id: undefined while it is looked for, null if it cannot be had. */
export function useQuoted(roomId: string, id: string): Quoted | null | undefined {
  const [event, setEvent] = useState<MatrixEvent | null | undefined>(() => findEvent(roomId, id) ?? undefined);
  useEffect(() => {
    let gone = false;
    void fetchEvent(roomId, id).then((e) => {
      if (!gone) setEvent(e);
    });
    return () => {
      gone = true;
    };
  }, [roomId, id]);
  return useView(
    `quoted ${roomId} ${id} ${event?.getId() ?? ""}`,
    () => (event ? [[event, [MatrixEventEvent.Decrypted, MatrixEventEvent.Replaced, MatrixEventEvent.BeforeRedaction, MatrixEventEvent.LocalEventIdReplaced]]] : []),
    () => {
      const room = client().getRoom(roomId);
      const body = event && room ? bodyOf(event, room) : null;
      if (!event || !room || body === null) return event === undefined ? undefined : null;
      return { id, sender: personOf(room, event.getSender() ?? ""), body, at: event.getTs() };
    },
    same,
  );
}

/** Adds a reaction, or takes the own one back. */
export async function toggleReaction(roomId: string, id: string, key: string): Promise<void> {
  const c = client();
  const room = c.getRoom(roomId);
  const me = c.getSafeUserId();
  const annotations = room?.relations.getChildEventsForEvent(id, "m.annotation", "m.reaction")?.getSortedAnnotationsByKey() ?? [];
  const own = [...(annotations.find(([k]) => k === key)?.[1] ?? [])].find((e) => e.getSender() === me && !e.isRedacted() && e.localRedactionEvent() === null);
  const threadId = findEvent(roomId, id)?.threadRootId ?? null;
  if (own) {
    const ownId = own.getId() as string;
    if (own.status === "not_sent") c.cancelPendingEvent(own);
    else if (own.status === null) await sendOrDrop(roomId, threadId, "m.room.redaction", {}, ownId);
    return;
  }
  await sendOrDrop(roomId, threadId, "m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: id, key } });
}

/** Deletes a message for everybody. */
export async function deleteMessage(roomId: string, id: string, reason: string): Promise<void> {
  const threadId = findEvent(roomId, id)?.threadRootId ?? null;
  await sendOrDrop(roomId, threadId, "m.room.redaction", reason === "" ? {} : { reason }, id);
}

/** One of the texts that a message had. */
export interface Version {
  id: string;
  at: number;
  body: Body;
}

/** All versions of an edited message, the newest first. */
export async function versionsOf(roomId: string, id: string): Promise<Version[]> {
  const c = client();
  const room = c.getRoom(roomId);
  const original = await fetchEvent(roomId, id);
  if (!room || !original) return [];
  const edits: MatrixEvent[] = [];
  let from: string | undefined;
  do {
    const page = await c.relations(roomId, id, "m.replace", null, from === undefined ? {} : { from });
    edits.push(...page.events);
    from = page.nextBatch ?? undefined;
  } while (from !== undefined);
  const versions = edits
    .filter((e) => e.getSender() === original.getSender() && !e.isRedacted())
    .map((e) => ({ id: e.getId() ?? "", at: e.getTs(), body: messageBody((e.getContent()["m.new_content"] ?? {}) as Record<string, unknown>, true) }));
  versions.push({ id, at: original.getTs(), body: messageBody(original.getOriginalContent(), true) });
  return versions.sort((a, b) => b.at - a.at);
}

/** Calls back while a room's timeline changes; for lists that are asked for anew then. */
export const roomChanges = (roomId: string): [object, readonly string[]][] => {
  const room = client().getRoom(roomId);
  return room ? [[room, [RoomEvent.Timeline, RoomEvent.LocalEchoUpdated, RoomEvent.Redaction, RoomEvent.RedactionCancelled]], [client(), [MatrixEventEvent.Decrypted]]] : [];
};

import type { MatrixEvent, Room } from "matrix-js-sdk";
import { client } from "./client.ts";
import { type Message, type Person, personOf, toMessage } from "./message.ts";
import { isExpired, roomMaxAge } from "./retention.ts";
import { same } from "./timelineSame.ts";

/** Turns the events of a timeline into messages. A message that has not changed is the same object as the last time. */
export class MessageList {
  private known = new Map<string, Message>();

  /** `live` adds what is being sent; `atStart` the message that a thread is about. */
  of(room: Room, threadId: string | undefined, events: MatrixEvent[], { live, atStart }: { live: boolean; atStart: boolean }): Message[] {
    const all = [...events];
    if (threadId !== undefined && atStart && !all.some((e) => e.getId() === threadId)) {
      const root = room.getThread(threadId)?.rootEvent ?? room.findEventById(threadId);
      if (root) all.unshift(root);
    }
    if (live) all.push(...room.getPendingEvents().filter((e) => (threadId === undefined ? e.threadRootId === undefined : e.threadRootId === threadId)));
    const pinned = new Set(pinnedIds(room));
    const receipts = threadId === undefined ? room : (room.getThread(threadId) ?? room);
    const me = client().getSafeUserId();
    const age = roomMaxAge(room.roomId);
    const seen = new Set<string>();
    const found: Message[] = [];
    let readers: Person[] = [];
    for (const event of all) {
      const id = event.getId() ?? "";
      if (seen.has(id)) continue;
      seen.add(id);
      if (isExpired(event, age)) continue;
      const message = toMessage(event, room, pinned, threadId !== undefined);
      if (message !== null) {
        readers = message.readers;
        found.push(message);
      }
      for (const { userId } of receipts.getReceiptsForEvent(event)) {
        if (userId !== me && userId !== event.getSender() && !readers.some((p) => p.id === userId)) readers.push(personOf(room, userId));
      }
    }
    const known = new Map<string, Message>();
    const kept = found.map((m) => {
      const old = this.known.get(m.key);
      const use = old !== undefined && same(old, m) ? old : m;
      known.set(m.key, use);
      return use;
    });
    this.known = known;
    return kept;
  }
}

export function pinnedIds(room: Room): string[] {
  const pinned: unknown = room.currentState.getStateEvents("m.room.pinned_events", "")?.getContent().pinned;
  return Array.isArray(pinned) ? pinned.filter((p): p is string => typeof p === "string") : [];
}

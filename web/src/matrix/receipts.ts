import { type MatrixEvent, type Room, ReceiptType, RoomMemberEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { bodyOf } from "./message.ts";
import { preferences } from "./preferences.ts";
import { useView } from "./subscribe.ts";

/** The id of the last event that the user has read: the later of the receipt and the marker. */
function readUpTo(room: Room): string | null {
  const receipt = room.getEventReadUpTo(client().getSafeUserId());
  const marker: unknown = room.getAccountData("m.fully_read")?.getContent().event_id;
  if (typeof marker !== "string" || marker === receipt) return receipt;
  if (receipt === null) return marker;
  return (room.getUnfilteredTimelineSet().compareEventOrdering(receipt, marker) ?? 0) < 0 ? marker : receipt;
}

/** Whether an event is something that a reader would miss. */
function counts(event: MatrixEvent, room: Room, me: string): boolean {
  if (event.getSender() === me) return false;
  const kind = bodyOf(event, room)?.kind;
  return kind !== undefined && kind !== "state" && kind !== "redacted";
}

/** The last event that was read before the first unread message; null if nothing is unread, or nothing was ever read. */
export function firstUnread(room: Room): string | null {
  const read = readUpTo(room);
  if (read === null) return null;
  const me = client().getSafeUserId();
  const events = room.getLiveTimeline().getEvents();
  const at = events.findIndex((e) => e.getId() === read);
  return events.slice(at + 1).some((e) => counts(e, room, me)) ? read : null;
}

/** Tells the server, and through it the user's other devices and the other people, that everything up to this event was read. */
export async function markRead(roomId: string, threadId: string | undefined, event: MatrixEvent): Promise<void> {
  const c = client();
  const room = c.getRoom(roomId);
  const id = event.getId();
  if (!room || id === undefined || event.status !== null) return;
  const me = c.getSafeUserId();
  const type = preferences().readReceipts === "private" ? ReceiptType.ReadPrivate : ReceiptType.Read;
  const place = threadId === undefined ? room : (room.getThread(threadId) ?? room);
  if (place.getReadReceiptForUserId(me, true, type)?.eventId === id) return;
  await c.sendReadReceipt(event, type).catch(() => undefined);
  if (threadId === undefined) await c.setRoomReadMarkersHttpRequest(roomId, id).catch(() => undefined);
}

/** The names of those who are writing in a room just now. */
export function useTyping(roomId: string): string[] {
  return useView(
    `typing ${roomId}`,
    () => [[client(), [RoomMemberEvent.Typing]]],
    () => {
      const me = client().getSafeUserId();
      return (client().getRoom(roomId)?.getMembers() ?? []).filter((m) => m.typing && m.userId !== me && m.membership === "join").map((m) => m.rawDisplayName || m.userId);
    },
    (a, b) => a.length === b.length && a.every((n, i) => n === b[i]),
  );
}

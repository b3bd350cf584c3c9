import { api } from "./api.ts";
import { client } from "./client.ts";
import { type FileInfo, fileOf } from "./file.ts";
import { sendOrDrop } from "./outbox.ts";
import { fetchEvent, findEvent } from "./relations.ts";

/** What the user may do with a message. */
export interface Powers {
  write: boolean;
  react: boolean;
  edit: boolean;
  remove: boolean;
  pin: boolean;
}

const none: Powers = { write: false, react: false, edit: false, remove: false, pin: false };
const editable = new Set(["m.text", "m.emote", "m.notice"]);

export function powersOver(roomId: string, id: string): Powers {
  const room = client().getRoom(roomId);
  const event = findEvent(roomId, id);
  if (!room || event === null || room.getMyMembership() !== "join") return none;
  const me = client().getSafeUserId();
  const state = room.currentState;
  const sent = event.status === null;
  const write = state.maySendEvent("m.room.message", me);
  const mine = event.getSender() === me;
  return {
    write: write && sent,
    react: sent && state.maySendEvent("m.reaction", me) && !event.isRedacted(),
    edit: sent && mine && write && event.getType() === "m.room.message" && editable.has(String(event.getContent().msgtype)) && !event.isRedacted(),
    remove: sent && state.maySendRedactionForEvent(event, me) && !event.isRedacted(),
    pin: sent && state.maySendStateEvent("m.room.pinned_events", me),
  };
}

/** An address of a message within this app; it opens for members of the room only. */
export function linkTo(roomId: string, id: string): string {
  return `${location.origin}/room/${encodeURIComponent(roomId)}?event=${encodeURIComponent(id)}`;
}

/** The event as it came from the server, and what was in it where it was encrypted. */
export function sourceOf(roomId: string, id: string): { event: string; decrypted: string | null } {
  const event = findEvent(roomId, id);
  if (event === null) return { event: "", decrypted: null };
  const text = (v: unknown) => JSON.stringify(v, null, 2);
  const clear = event.isEncrypted() && event.getClearContent() !== null ? text({ type: event.getType(), content: event.getOriginalContent() }) : null;
  return { event: text(event.event), decrypted: clear };
}

/** Tells the server's administrators of a message. */
export async function report(roomId: string, id: string, reason: string): Promise<void> {
  await api(`/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/report/${encodeURIComponent(id)}`, { method: "POST", body: { reason } });
}

/** Whether a message may be sent on as it is. */
export function canForward(roomId: string, id: string): boolean {
  const event = findEvent(roomId, id);
  return event !== null && event.status === null && !event.isRedacted() && !event.isDecryptionFailure() && (event.getType() === "m.room.message" || event.getType() === "m.sticker");
}

/** The file of a message, for previews. */
export function fileOfMessage(roomId: string, id: string): FileInfo | null {
  const event = findEvent(roomId, id);
  return event ? fileOf(event.getType(), event.getContent()) : null;
}

/** Whether a room is encrypted. */
export function isEncrypted(roomId: string): boolean {
  return client().getRoom(roomId)?.hasEncryptionStateEvent() ?? false;
}

/** Sends a message to another room: its content without what it refers to. An encrypted file stays as it is: its key goes along. */
export async function forward(roomId: string, id: string, toRoom: string): Promise<void> {
  const event = await fetchEvent(roomId, id);
  if (event === null) throw new Error("the message is not there any more");
  const { "m.relates_to": _relation, "m.mentions": _mentions, "m.new_content": _new, ...content } = event.getContent();
  await sendOrDrop(toRoom, null, event.getType(), { ...content, "m.mentions": {} });
}

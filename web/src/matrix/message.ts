import { type EventStatus, type MatrixEvent, type Room } from "matrix-js-sdk";
import { client } from "./client.ts";
import { type FileInfo, fileOf } from "./file.ts";
import { type Place, placeOf } from "./location.ts";
import { stateWords, type Words } from "./messageState.ts";
import { plainText, strippedHtml, strippedReply } from "./messageText.ts";
import { type Unreadable, unreadable } from "./messageUnreadable.ts";

/** Somebody who wrote, reacted or read. */
export interface Person {
  id: string;
  name: string;
  avatar: string | null; // mxc:
}

export type Body =
  | { kind: "text"; style: "text" | "notice" | "emote"; text: string; html: string | null }
  | { kind: "file"; file: FileInfo }
  | ({ kind: "location" } & Place)
  | { kind: "poll" }
  | { kind: "redacted"; by: string | null; reason: string }
  | { kind: "decrypting" }
  | { kind: "unreadable"; why: Unreadable }
  | { kind: "state"; words: Words[] }
  | { kind: "unknown"; type: string; text: string };

export interface Reaction {
  key: string;
  count: number;
  mine: string | null; // the id of the own reaction
  people: string[];
}

export interface ThreadSummary {
  count: number;
  lastSender: Person | null;
  lastText: string;
  unread: number;
  mentions: number;
}

/** One line of a timeline, as plain data. An unchanged message is the same object again. */
export interface Message {
  /** Stays the same when a message that is being sent gets its id. */
  key: string;
  id: string;
  sender: Person;
  at: number;
  mine: boolean;
  status: "sent" | "sending" | "failed";
  /** Why the server refused it. */
  error: string;
  body: Body;
  edited: boolean;
  replyTo: string | null;
  thread: ThreadSummary | null;
  reactions: Reaction[];
  mentionsMe: boolean;
  pinned: boolean;
  readers: Person[];
}

const pollStarts = new Set(["m.poll.start", "org.matrix.msc3381.poll.start"]);
const locations = new Set(["m.location", "org.matrix.msc3488.location"]);
/** What changes other messages or belongs to machinery: never a line of its own. */
const silent = /^(m\.reaction|m\.room\.redaction|m\.call\.|m\.key\.verification\.|org\.matrix\.call|m\.poll\.(response|end)|org\.matrix\.msc3381\.poll\.(response|end)|m\.room\.server_acl|m\.space\.(child|parent)|m\.room\.third_party_invite|org\.matrix\.msc3401\.|io\.element\.)/;

const keys = new WeakMap<MatrixEvent, string>();

function keyOf(event: MatrixEvent): string {
  let key = keys.get(event);
  if (key === undefined) {
    key = event.getTxnId() ?? event.getId() ?? "";
    keys.set(event, key);
  }
  return key;
}

export function personOf(room: Room, userId: string): Person {
  const member = room.getMember(userId);
  return { id: userId, name: member?.rawDisplayName || member?.name || userId, avatar: member?.getMxcAvatarUrl() ?? null };
}

const sending = new Set<EventStatus | null>(["sending", "encrypting", "queued", "sent"] as EventStatus[]);

function statusOf(event: MatrixEvent): Message["status"] {
  if (event.status === null) return "sent";
  return sending.has(event.status) ? "sending" : "failed";
}

/** What the content of a message shows; `reply` says that it may start with a quotation. */
export function messageBody(content: Record<string, unknown>, reply: boolean): Body {
  const body = typeof content.body === "string" ? content.body : "";
  const html = content.format === "org.matrix.custom.html" && typeof content.formatted_body === "string" ? content.formatted_body : null;
  const msgtype = String(content.msgtype);
  if (msgtype === "m.location") {
    const at = placeOf(content);
    if (at) return { kind: "location", ...at };
  }
  const file = fileOf("m.room.message", content);
  if (file) return { kind: "file", file };
  const style = msgtype === "m.emote" ? "emote" : msgtype === "m.notice" ? "notice" : "text";
  if (body === "" && html === null && style === "text" && msgtype !== "m.text") return { kind: "unknown", type: msgtype, text: "" };
  return { kind: "text", style, text: reply ? strippedReply(body) : body, html: html !== null && reply ? strippedHtml(html) : html };
}

/** What a line shows; null if the event is none. */
export function bodyOf(event: MatrixEvent, room: Room): Body | null {
  const type = event.getType();
  if (event.isRedacted()) {
    if (event.isState() || silent.test(type) || event.getWireType() === "m.reaction") return null;
    const because = event.getUnsigned().redacted_because as { sender?: string; content?: { reason?: unknown } } | undefined;
    const by = because?.sender ?? event.localRedactionEvent()?.getSender() ?? null;
    const reason = because?.content?.reason;
    return { kind: "redacted", by: by === null || by === event.getSender() ? null : personOf(room, by).name, reason: typeof reason === "string" ? reason : "" };
  }
  if (event.isRelation("m.replace")) return null;
  if (event.isDecryptionFailure()) return { kind: "unreadable", why: unreadable(event.decryptionFailureReason) };
  if (type === "m.room.encrypted") return { kind: "decrypting" };
  if (silent.test(type)) return null;
  if (event.isState()) {
    const words = stateWords(event, (id) => personOf(room, id).name);
    return words.length === 0 ? null : { kind: "state", words };
  }
  const content = event.getContent();
  if (pollStarts.has(type)) return { kind: "poll" };
  if (locations.has(type)) {
    const at = placeOf(content);
    if (at) return { kind: "location", ...at };
  }
  if (type === "m.sticker") {
    const file = fileOf(type, content);
    return file ? { kind: "file", file } : null;
  }
  if (type === "m.room.message") return Object.keys(content).length === 0 ? null : messageBody(content, event.replyEventId !== undefined);
  return { kind: "unknown", type, text: typeof content.body === "string" ? content.body : "" };
}

function reactionsOf(event: MatrixEvent, room: Room, me: string): Reaction[] {
  const id = event.getId();
  const sorted = id === undefined ? null : room.relations.getChildEventsForEvent(id, "m.annotation", "m.reaction")?.getSortedAnnotationsByKey();
  if (!sorted) return [];
  const found: Reaction[] = [];
  for (const [key, events] of sorted) {
    const people = new Map<string, string | null>();
    for (const e of events) {
      const sender = e.getSender();
      if (sender !== undefined && !e.isRedacted() && e.localRedactionEvent() === null && e.status !== "not_sent" && e.status !== "cancelled") people.set(sender, e.getId() ?? null);
    }
    if (people.size === 0 || key.length > 100) continue;
    found.push({ key, count: people.size, mine: people.get(me) ?? null, people: [...people.keys()].map((p) => personOf(room, p).name) });
  }
  return found;
}

function threadOf(event: MatrixEvent, room: Room): ThreadSummary | null {
  const id = event.getId();
  const thread = id === undefined ? null : room.getThread(id);
  if (!thread || thread.length === 0 || event.isRedacted()) return null;
  const last = thread.replyToEvent;
  const sender = last?.getSender();
  return {
    count: thread.length,
    lastSender: sender !== undefined && last?.getId() !== id ? personOf(room, sender) : null,
    lastText: last && last.getId() !== id ? plainText(bodyOf(last, room)) : "",
    unread: room.getThreadUnreadNotificationCount(thread.id),
    mentions: room.getThreadUnreadNotificationCount(thread.id, "highlight" as never),
  };
}

/** The event as a line of the timeline; null if it is not shown. */
export function toMessage(event: MatrixEvent, room: Room, pinned: ReadonlySet<string>, inThread: boolean): Message | null {
  const body = bodyOf(event, room);
  if (body === null) return null;
  const me = client().getSafeUserId();
  const sender = event.getSender() ?? "";
  const id = event.getId() ?? "";
  const relation = event.getWireContent()["m.relates_to"] as { is_falling_back?: boolean } | undefined;
  const plain = body.kind !== "state" && body.kind !== "redacted" && body.kind !== "decrypting";
  return {
    key: keyOf(event),
    id,
    sender: personOf(room, sender),
    at: event.getTs(),
    mine: sender === me,
    status: statusOf(event),
    error: event.status === "not_sent" ? (event.error?.data?.error ?? event.error?.message ?? "") : "",
    body,
    edited: body.kind !== "redacted" && event.replacingEvent() !== null,
    replyTo: plain && !relation?.is_falling_back ? (event.replyEventId ?? null) : null,
    thread: inThread ? null : threadOf(event, room),
    reactions: plain ? reactionsOf(event, room, me) : [],
    mentionsMe: plain && sender !== me && client().getPushActionsForEvent(event)?.tweaks?.highlight === true,
    pinned: pinned.has(id),
    readers: [],
  };
}

import { EventStatus, M_POLL_KIND_DISCLOSED, type MatrixEvent, type Room } from "matrix-js-sdk";
import { client } from "./client.ts";
import { locationContent, type Place } from "./location.ts";
import { enqueue, type Source } from "./outbox.ts";

/** Where a message goes. */
export interface Target {
  roomId: string;
  threadId?: string | undefined;
}

/** A written text, in the words of the specification. Spec: cs#mroommessage */
export interface TextContent {
  msgtype: "m.text" | "m.emote" | "m.notice";
  body: string;
  html: string | null;
  mentions: { users: string[]; room: boolean };
}

type Content = Record<string, unknown>;

/** What m.mentions says; the key is always there, so that nobody guesses mentions from the text. Spec: cs#user-and-room-mentions */
export function mentionsOf(mentions: TextContent["mentions"]): Content {
  return { ...(mentions.users.length > 0 ? { user_ids: mentions.users } : {}), ...(mentions.room ? { room: true } : {}) };
}

export function textContent(text: TextContent): Content {
  return {
    msgtype: text.msgtype,
    body: text.body,
    ...(text.html === null ? {} : { format: "org.matrix.custom.html", formatted_body: text.html }),
    "m.mentions": mentionsOf(text.mentions),
  };
}

/** A new version of an own message: the text for old clients gets a star before it, and only people mentioned for the first time are told. */
export function editContent(text: TextContent, originalId: string, before: string[]): Content {
  const fresh = { users: text.mentions.users.filter((u) => !before.includes(u)), room: text.mentions.room };
  return {
    ...textContent({ ...text, body: `* ${text.body}`, html: text.html === null ? null : `* ${text.html}`, mentions: fresh }),
    "m.new_content": textContent(text),
    "m.relates_to": { rel_type: "m.replace", event_id: originalId },
  };
}

/** How a message says what it answers and which thread it is in. Spec: cs#threading */
export function relation(threadId: string | null, replyTo: string | null, lastInThread: string | null): Content {
  if (threadId !== null) {
    const reply = replyTo ?? lastInThread ?? threadId;
    return { "m.relates_to": { rel_type: "m.thread", event_id: threadId, is_falling_back: replyTo === null, "m.in_reply_to": { event_id: reply } } };
  }
  return replyTo === null ? {} : { "m.relates_to": { "m.in_reply_to": { event_id: replyTo } } };
}

const sent = (event: MatrixEvent): boolean => event.status === null || event.status === EventStatus.SENT;

function lastInThread(room: Room | null, threadId: string | null): string | null {
  const events = threadId === null ? [] : (room?.getThread(threadId)?.events ?? []);
  return events.filter(sent).at(-1)?.getId() ?? null;
}

/** Completes a content with its relation; who is answered is mentioned, as the specification asks. */
function placed(content: Content, target: Target, replyTo: string | null): Content {
  const room = client().getRoom(target.roomId);
  const threadId = target.threadId ?? null;
  const author = replyTo === null ? undefined : room?.findEventById(replyTo)?.getSender();
  const mentions = { ...(content["m.mentions"] as { user_ids?: string[] } | undefined) };
  if (author !== undefined && author !== client().getSafeUserId() && !mentions.user_ids?.includes(author)) mentions.user_ids = [...(mentions.user_ids ?? []), author];
  return { ...content, "m.mentions": mentions, ...relation(threadId, replyTo, lastInThread(room, threadId)) };
}

/** Sends a written message; it is queued while the server is away. */
export async function sendWritten(target: Target, text: TextContent, replyTo: string | null, source: Source): Promise<void> {
  await enqueue({ roomId: target.roomId, threadId: target.threadId ?? null, type: "m.room.message", content: placed(textContent(text), target, replyTo), source });
}

/** Sends a new version of an own message. */
export async function sendEdit(target: Target, text: TextContent, eventId: string, source: Source): Promise<void> {
  const before = client().getRoom(target.roomId)?.findEventById(eventId)?.getContent()["m.mentions"] as { user_ids?: unknown } | undefined;
  const users = Array.isArray(before?.user_ids) ? before.user_ids.filter((u): u is string => typeof u === "string") : [];
  await enqueue({ roomId: target.roomId, threadId: target.threadId ?? null, type: "m.room.message", content: editContent(text, eventId, users), source });
}

/** Sends the message of a file whose content is uploaded. */
export async function sendFileMessage(target: Target, content: Content, replyTo: string | null): Promise<void> {
  await enqueue({ roomId: target.roomId, threadId: target.threadId ?? null, type: "m.room.message", content: placed(content, target, replyTo), source: null });
}

export interface Poll {
  question: string;
  answers: string[];
  /** How many answers one person may choose. */
  max: number;
  /** Whether votes are seen before the poll is ended. */
  disclosed: boolean;
}

/** A poll as MSC3381 has it, in the form that other clients read today. */
export function pollContent(poll: Poll): Content {
  const body = [poll.question, ...poll.answers.map((a, i) => `${i + 1}. ${a}`)].join("\n");
  const start = {
    question: { "org.matrix.msc1767.text": poll.question, body: poll.question, msgtype: "m.text" },
    kind: poll.disclosed ? M_POLL_KIND_DISCLOSED.unstable : "org.matrix.msc3381.poll.undisclosed",
    max_selections: poll.max,
    answers: poll.answers.map((a, i) => ({ id: String(i + 1), "org.matrix.msc1767.text": a })),
  };
  return { "org.matrix.msc3381.poll.start": start, "org.matrix.msc1767.text": body, "m.mentions": {} };
}

export async function sendPoll(target: Target, poll: Poll): Promise<void> {
  await enqueue({ roomId: target.roomId, threadId: target.threadId ?? null, type: "org.matrix.msc3381.poll.start", content: placed(pollContent(poll), target, null), source: null });
}

/** Says where the user is, once. */
export async function sendLocation(target: Target, at: Omit<Place, "text">, words: string): Promise<void> {
  await enqueue({ roomId: target.roomId, threadId: target.threadId ?? null, type: "m.room.message", content: placed(locationContent(at, words, Date.now()), target, null), source: null });
}

/** What the bar above the composer shows of a message that is answered or edited. */
export interface Quoted {
  sender: string;
  body: string;
  /** The message as it was written, for editing; null if it cannot be edited here. */
  text: { body: string; html: string | null; msgtype: string; mentions: string[] } | null;
}

export function quoted(roomId: string, eventId: string): Quoted | null {
  const room = client().getRoom(roomId);
  const event = room?.findEventById(eventId);
  if (!room || !event || event.isRedacted()) return null;
  const content = event.getContent();
  const mentions = (content["m.mentions"] as { user_ids?: unknown } | undefined)?.user_ids;
  const written = ["m.text", "m.emote", "m.notice"].includes(String(content.msgtype)) && event.getSender() === client().getSafeUserId();
  const body = typeof content.body === "string" ? content.body : "";
  return {
    sender: event.sender?.rawDisplayName ?? event.getSender() ?? "",
    body: body.replace(/^> <.*?\n\n/s, ""),
    text: written
      ? {
          body,
          html: typeof content.formatted_body === "string" ? content.formatted_body : null,
          msgtype: String(content.msgtype),
          mentions: Array.isArray(mentions) ? mentions.filter((m): m is string => typeof m === "string") : [],
        }
      : null,
  };
}

/** The id of the latest own text in a room or thread, for editing it with the arrow key. */
export function lastOwnText(target: Target): string | null {
  const room = client().getRoom(target.roomId);
  const events = target.threadId ? (room?.getThread(target.threadId)?.events ?? []) : (room?.getLiveTimeline().getEvents() ?? []);
  for (const event of [...events].reverse()) {
    const id = event.getId();
    if (id && !id.startsWith("~") && event.getSender() === client().getSafeUserId() && sent(event) && !event.isRelation("m.replace") && quoted(target.roomId, id)?.text && event.getType() === "m.room.message") return id;
  }
  return null;
}

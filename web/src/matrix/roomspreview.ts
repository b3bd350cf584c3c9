import { type MatrixEvent, type Room } from "matrix-js-sdk";
import { lineOfHtml, strippedReply } from "./messageText.ts";

export type PreviewKind =
  | "text" | "emote" | "image" | "video" | "audio" | "voice" | "file" | "sticker" | "location" | "poll" | "deleted" | "unreadable"
  | "joined" | "left" | "invited" | "named" | "created" | "none";

/** The latest thing that was said in a room, as data: which words it becomes is the list's business. */
export interface Preview {
  kind: PreviewKind;
  sender: string; // name
  own: boolean;
  text: string;
  eventId: string;
}

const none: Preview = { kind: "none", sender: "", own: false, text: "", eventId: "" };
const kinds: Record<string, PreviewKind> = {
  "m.image": "image", "m.video": "video", "m.audio": "audio", "m.file": "file", "m.location": "location", "m.emote": "emote",
};

const line = (s: unknown): string => (typeof s === "string" ? s.replace(/\s+/g, " ").trim().slice(0, 160) : "");

function textLine(content: Record<string, unknown>): string {
  if (content.format === "org.matrix.custom.html" && typeof content.formatted_body === "string") return line(lineOfHtml(content.formatted_body));
  return line(strippedReply(typeof content.body === "string" ? content.body : ""));
}

function ofMessage(content: Record<string, unknown>): { kind: PreviewKind; text: string } {
  const type = String(content.msgtype);
  if ("org.matrix.msc3245.voice" in content) return { kind: "voice", text: "" };
  const kind = kinds[type] ?? "text";
  if (kind === "file" || kind === "audio") return { kind, text: line(content.filename ?? content.body) };
  if (kind === "text" || kind === "emote") return { kind, text: textLine(content) };
  return { kind, text: typeof content.filename === "string" && content.filename !== content.body ? line(content.body) : "" };
}

function ofMember(e: MatrixEvent): PreviewKind | null {
  const now = e.getContent().membership as string | undefined;
  const before = e.getPrevContent().membership as string | undefined;
  if (now === before) return null;
  return now === "join" ? "joined" : now === "invite" ? "invited" : now === "leave" || now === "ban" ? "left" : null;
}

/** What an event is to the list of rooms; null if nothing. */
export function previewOf(e: MatrixEvent): { kind: PreviewKind; text: string } | null {
  if (e.isRedacted()) return e.getType() === "m.room.message" || e.getType() === "m.room.encrypted" ? { kind: "deleted", text: "" } : null;
  if (e.isRelation("m.replace")) return null;
  switch (e.getType()) {
    case "m.room.message":
      return e.isDecryptionFailure() ? { kind: "unreadable", text: "" } : ofMessage(e.getContent());
    case "m.room.encrypted":
      return e.isBeingDecrypted() ? null : { kind: "unreadable", text: "" };
    case "m.sticker":
      return { kind: "sticker", text: line(e.getContent().body) };
    case "m.poll.start":
    case "org.matrix.msc3381.poll.start": {
      const poll = (e.getContent()["m.poll"] ?? e.getContent()["org.matrix.msc3381.poll.start"]) as { question?: Record<string, unknown> } | undefined;
      const text = poll?.question?.["m.text"];
      const first: unknown = Array.isArray(text) ? (text[0] as { body?: unknown } | undefined)?.body : (poll?.question?.body ?? text);
      return { kind: "poll", text: line(first) };
    }
    case "m.room.member": {
      const kind = ofMember(e);
      return kind === null ? null : { kind, text: line(e.getContent().displayname) || (e.getStateKey() ?? "") };
    }
    case "m.room.name":
      return { kind: "named", text: line(e.getContent().name) };
    case "m.room.create":
      return { kind: "created", text: "" };
    default:
      return null;
  }
}

const isWaiting = (e: MatrixEvent): boolean => e.getType() === "m.room.encrypted" && !e.isRedacted();

/**
 * The latest event that people would call a message, or what happened to the room where nobody has said anything. `known` is what was found before:
 * it holds for an event that is still to be decrypted.
 */
export function latest(room: Room, known?: Preview): { event: MatrixEvent; preview: Preview } | null {
  const events = room.getLiveTimeline().getEvents();
  const sending = room.getPendingEvents().filter((e) => e.isRelation("m.thread") === false);
  let quiet: { event: MatrixEvent; preview: Preview } | null = null;
  for (const list of [sending, events]) {
    for (let i = list.length - 1; i >= 0; i--) {
      const event = list[i] as MatrixEvent;
      const found = known !== undefined && isWaiting(event) && event.getId() === known.eventId ? known : previewOf(event);
      if (found === null) continue;
      const sender = event.getSender() ?? "";
      const name = room.getMember(sender)?.rawDisplayName ?? sender;
      const preview: Preview = { ...found, sender: name, own: sender === room.myUserId, eventId: event.getId() ?? "" };
      if (!event.isState()) return { event, preview };
      quiet ??= { event, preview };
    }
  }
  return quiet;
}

export { none as noPreview };

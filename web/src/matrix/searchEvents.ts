import type { MatrixClient, MatrixEvent } from "matrix-js-sdk";
import { fileOf } from "./file.ts";
import { strippedReply } from "./messageText.ts";
import { questionOf } from "./poll.ts";
import type { Edit, Entry, Kind } from "./searchTypes.ts";

const polls = ["m.poll.start", "org.matrix.msc3381.poll.start"];
/** The types of events that may be found. */
export const searchedTypes: readonly string[] = ["m.room.message", "m.room.encrypted", ...polls];

type Content = Record<string, unknown>;
const link = /https?:\/\/(?!matrix\.to\/)/i;

/** What of a message is searched; null if nothing is. */
export function searchedText(type: string, content: Content, reply: boolean): { text: string; kinds: Kind[] } | null {
  if (polls.includes(type)) {
    const question = questionOf(content);
    return question && { text: [question.text, ...question.answers.map((a) => a.text)].join("\n"), kinds: ["poll"] };
  }
  if (type !== "m.room.message") return null;
  const file = fileOf(type, content);
  if (file) {
    const more = { image: "image", sticker: "image", video: "video", audio: "audio", voice: "audio", file: null } as const;
    const kind = more[file.kind];
    return { text: [file.name, file.caption].filter((s) => s !== "").join("\n"), kinds: kind === null ? ["file"] : ["file", kind] };
  }
  const body = typeof content.body === "string" ? (reply ? strippedReply(content.body) : content.body) : "";
  const html = typeof content.formatted_body === "string" ? content.formatted_body : "";
  return body === "" ? null : { text: body, kinds: link.test(body) || link.test(html) ? ["link"] : [] };
}

/** What an event is to the index. */
export type Reading = { entry: Entry } | { edit: Edit } | "unreadable" | null;

/** Reads an event after its decryption. `shown`: as it is now with its edits, rather than as it was sent. */
export function readEvent(event: MatrixEvent, shown = false): Reading {
  const id = event.getId();
  const sender = event.getSender();
  if (id === undefined || sender === undefined || event.status !== null || event.isRedacted()) return null;
  if (event.isDecryptionFailure() || event.getType() === "m.room.encrypted") return "unreadable";
  const common = { id, sender, ts: event.getTs() };
  const content = shown ? event.getContent() : event.getOriginalContent();
  const relation = event.getWireContent()["m.relates_to"] as { rel_type?: unknown; event_id?: unknown } | undefined;
  if (relation?.rel_type === "m.replace") {
    const fresh = content["m.new_content"];
    if (typeof relation.event_id !== "string" || typeof fresh !== "object" || fresh === null) return null;
    const found = searchedText(event.getType(), fresh as Content, true);
    return found && { edit: { ...common, ...found, target: relation.event_id } };
  }
  const found = searchedText(event.getType(), content, event.replyEventId !== undefined);
  return found && { entry: { ...common, ...found } };
}

/** The readings of many events as changes. */
export function gather(readings: { event: MatrixEvent; reading: Reading }[]): { add: Entry[]; edits: Edit[]; missing: [string, number][] } {
  const all = { add: [] as Entry[], edits: [] as Edit[], missing: [] as [string, number][] };
  for (const { event, reading } of readings) {
    if (reading === "unreadable") all.missing.push([event.getId() ?? "", event.getTs()]);
    else if (reading !== null && "entry" in reading) all.add.push(reading.entry);
    else if (reading !== null) all.edits.push(reading.edit);
  }
  return all;
}

/** Decrypts events one after another and reads them; in between the page gets to draw. */
export async function readAll(c: MatrixClient, events: readonly MatrixEvent[]): Promise<{ event: MatrixEvent; reading: Reading }[]> {
  const found: { event: MatrixEvent; reading: Reading }[] = [];
  let began = performance.now();
  for (const event of events) {
    if (performance.now() - began > 8) {
      await new Promise((next) => setTimeout(next, 0));
      began = performance.now();
    }
    await c.decryptEventIfNeeded(event).catch(() => undefined);
    found.push({ event, reading: readEvent(event) });
  }
  return found;
}

import type { Message } from "@/matrix/message.ts";

/** A line of the timeline as it is drawn. */
export type Row =
  | { kind: "day"; key: string; at: number }
  | { kind: "unread"; key: string }
  | { kind: "message"; key: string; message: Message; first: boolean }
  | { kind: "changes"; key: string; messages: Message[] }
  | { kind: "unreadable"; key: string; messages: Message[] };

/** Messages of one sender that follow each other within this time stand under one name. */
const together = 5 * 60_000;

/** The day of a point in time, where the user is. */
export function dayOf(at: number): string {
  const d = new Date(at);
  return `${d.getFullYear()}-${d.getMonth() + 1}-${d.getDate()}`;
}

const spoken = (m: Message): boolean => m.body.kind !== "state";

/** Changes of the room stand together from this number on. */
const many = 3;

function continues(m: Message, before: Message | null): boolean {
  if (before === null || !spoken(before) || !spoken(m)) return false;
  if (before.sender.id !== m.sender.id || m.at - before.at > together || before.body.kind === "unreadable") return false;
  return m.replyTo === null && before.thread === null && m.body.kind !== "unreadable" && !(m.body.kind === "text" && m.body.style === "emote");
}

/**
 * Puts messages into rows: a divider where a day begins, one where the unread messages begin, changes of the room and messages that
 * cannot be read together where several follow each other.
 */
export function rowsOf(messages: readonly Message[], unreadAfter: string | null): Row[] {
  const rows: Row[] = [];
  let before: Message | null = null;
  let day = "";
  let unread = false;
  const split = unreadAfter === null ? -1 : messages.findIndex((m) => m.id === unreadAfter);
  messages.forEach((m, i) => {
    const today = dayOf(m.at);
    if (today !== day) {
      rows.push({ kind: "day", key: `day ${today}`, at: m.at });
      day = today;
      before = null;
    }
    if (!unread && split >= 0 && i > split && !m.mine && spoken(m)) {
      rows.push({ kind: "unread", key: "unread" });
      unread = true;
      before = null;
    }
    const last = rows.at(-1);
    if (m.body.kind === "state") {
      if (last?.kind === "changes") last.messages.push(m);
      else rows.push({ kind: "changes", key: `changes ${m.key}`, messages: [m] });
    } else if (m.body.kind === "unreadable") {
      const kind = m.body.why.kind;
      const head = last?.kind === "unreadable" ? last.messages[0] : undefined;
      if (last?.kind === "unreadable" && head?.body.kind === "unreadable" && head.body.why.kind === kind) last.messages.push(m);
      else rows.push({ kind: "unreadable", key: `unreadable ${m.key}`, messages: [m] });
    } else {
      rows.push({ kind: "message", key: m.key, message: m, first: !continues(m, before) });
    }
    before = m;
  });
  return rows;
}

/** Whether so many changes are shown as one line that opens. */
export const folded = (messages: readonly Message[]): boolean => messages.length >= many;

/** The same rows as before where nothing changed, so that they are not drawn again. */
export function keepRows(old: readonly Row[], now: readonly Row[]): Row[] {
  const known = new Map(old.map((r) => [r.key, r]));
  return now.map((row) => {
    const was = known.get(row.key);
    if (was === undefined || was.kind !== row.kind) return row;
    if (was.kind === "message" && row.kind === "message") return was.message === row.message && was.first === row.first ? was : row;
    if ((was.kind === "changes" || was.kind === "unreadable") && row.kind === was.kind) {
      return was.messages.length === row.messages.length && was.messages.every((m, i) => m === row.messages[i]) ? was : row;
    }
    return was.kind === "day" && row.kind === "day" && was.at !== row.at ? row : was;
  });
}

/** The messages of a row, the oldest first. */
export function messagesOf(row: Row): readonly Message[] {
  return row.kind === "message" ? [row.message] : row.kind === "changes" || row.kind === "unreadable" ? row.messages : [];
}

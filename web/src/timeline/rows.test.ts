import { describe, expect, test } from "vitest";
import type { Body, Message } from "@/matrix/message.ts";
import { keepRows, messagesOf, rowsOf } from "./rows.ts";

const noon = new Date(2026, 4, 4, 12).getTime();
const minute = 60_000;
let last = 0;

const message = (who: string, at: number, body: Body = { kind: "text", style: "text", text: "hello", html: null }, some: Partial<Message> = {}): Message => {
  const id = `$${++last}`;
  return {
    key: id, id, sender: { id: `@${who}:x`, name: who, avatar: null }, at, mine: who === "me", status: "sent", error: "", body, edited: false, replyTo: null,
    thread: null, reactions: [], mentionsMe: false, pinned: false, readers: [], ...some,
  };
};
const change = (at: number): Message => message("anna", at, { kind: "state", words: [{ name: "joined", values: { whom: "anna" } }] });
const locked = (who: string, kind: "waiting" | "before"): Message => message(who, noon, { kind: "unreadable", why: { kind, cause: kind === "waiting" ? "key" : "noBackup", repair: false } });
const kinds = (messages: Message[], after: string | null = null) => rowsOf(messages, after).map((r) => (r.kind === "message" ? (r.first ? "first" : "next") : r.kind));

describe("rows", () => {
  test("put messages of one sender under one name for five minutes", () => {
    expect(kinds([message("anna", noon), message("anna", noon + 4 * minute), message("bob", noon + 4 * minute), message("anna", noon + 5 * minute), message("anna", noon + 11 * minute)])).toEqual(["day", "first", "next", "first", "first", "first"]);
  });

  test("name the sender again after a reply, a thread and before an emote", () => {
    const thread = { count: 1, lastSender: null, lastText: "", unread: 0, mentions: 0 };
    expect(kinds([message("anna", noon), message("anna", noon, undefined, { replyTo: "$x", thread }), message("anna", noon), message("anna", noon, { kind: "text", style: "emote", text: "waves", html: null })])).toEqual(["day", "first", "first", "first", "first"]);
  });

  test("divide the days where the user is, and begin each with a name", () => {
    const midnight = new Date(2026, 4, 5).getTime();
    expect(kinds([message("anna", midnight - 1), message("anna", midnight)])).toEqual(["day", "first", "day", "first"]);
  });

  test("draw one line before the first message of others after the last that was read", () => {
    const [a, b, c, d, e] = [message("anna", noon), message("me", noon), change(noon), message("anna", noon), message("anna", noon)] as const;
    expect(kinds([a, b, c, d, e], a.id)).toEqual(["day", "first", "first", "changes", "unread", "first", "next"]);
    expect(kinds([a, b], a.id)).toEqual(["day", "first", "first"]);
    expect(kinds([a, d], "$unknown")).toEqual(["day", "first", "next"]);
  });

  test("put changes of the room together, and unreadable messages of the same kind", () => {
    const rows = rowsOf([change(noon), change(noon), locked("anna", "waiting"), locked("bob", "waiting"), locked("bob", "before"), message("anna", noon)], null);
    expect(rows.map((r) => [r.kind, messagesOf(r).length])).toEqual([["day", 0], ["changes", 2], ["unreadable", 2], ["unreadable", 1], ["message", 1]]);
  });

  test("stay the same objects where nothing changed", () => {
    const [a, b, c] = [message("anna", noon), change(noon), change(noon)] as const;
    const old = rowsOf([a, b], null);
    const now = keepRows(old, rowsOf([a, b], null));
    expect(now.every((r, i) => r === old[i])).toBe(true);
    const more = keepRows(old, rowsOf([a, b, c], null));
    expect([more[1] === old[1], more[2] === old[2]]).toEqual([true, false]);
    const edited = keepRows(old, rowsOf([{ ...a, edited: true }, b], null));
    expect([edited[0] === old[0], edited[1] === old[1], edited[2] === old[2]]).toEqual([true, false, true]);
  });
});

import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { discard, type OutboxEntry, reasonOf, useRefused } from "@/matrix/outbox.ts";
import { sendEdit, sendWritten, type TextContent } from "@/matrix/send.ts";
import { type Command, parse } from "./commands.ts";
import { emptyDraft } from "./drafts.ts";
import { NobodyError, perform } from "./perform.ts";
import { clearIntent, type Intent, type Place, startEdit, startReply } from "./state.ts";
import type { WrittenText } from "./useText.ts";

/** What is said above the field: which text of this folder, and what is filled in. */
export interface Notice {
  text: string;
  values?: Record<string, string>;
}

interface Options {
  place: Place;
  intent: Intent | undefined;
  text: WrittenText;
  mayRoom: boolean;
  openPoll: (question: string) => void;
  openHelp: () => void;
}

const loadMarkdown = () => import("./markdown.ts");
const shrug = "¯\\_(ツ)_/¯";

/** The event that a refused message answered, so that it does again. */
function answered(entry: OutboxEntry): string | null {
  const r = entry.content["m.relates_to"] as { is_falling_back?: boolean; "m.in_reply_to"?: { event_id?: string } } | undefined;
  return r?.is_falling_back ? null : (r?.["m.in_reply_to"]?.event_id ?? null);
}

/** The message that a refused edit was to change; null for what is no edit. */
function edited(entry: OutboxEntry): string | null {
  const r = entry.content["m.relates_to"] as { rel_type?: string; event_id?: string } | undefined;
  return r?.rel_type === "m.replace" ? (r.event_id ?? null) : null;
}

/** Sends what was written, or does what it commands. */
export function useSend({ place, intent, text, mayRoom, openPoll, openHelp }: Options) {
  const navigate = useNavigate();
  const [notice, setNotice] = useState<Notice | null>(null);
  const { roomId, threadId } = place;
  useEffect(() => void loadMarkdown().catch(() => undefined), []);

  // A message that the server refused comes back into the field, with the reason, if nothing else was begun there.
  const refused = useRefused(roomId, threadId ?? null).find((e) => e.source !== null);
  useEffect(() => {
    if (!refused?.source || text.text !== "" || intent) return;
    setNotice({ text: "refused", values: { reason: refused.error?.message ?? "" } });
    const [edit, reply] = [edited(refused), answered(refused)];
    if (edit !== null) startEdit({ roomId, threadId }, edit, refused.source);
    else text.set(refused.source);
    if (reply !== null) startReply({ roomId, threadId }, reply);
    void discard(refused.txnId);
  }, [refused, text, intent, roomId, threadId]);

  async function write(source: string, options: { msgtype?: TextContent["msgtype"]; plain?: boolean }): Promise<void> {
    const typed = { text: text.text, mentions: text.mentions };
    if (intent?.kind !== "edit") text.set(emptyDraft);
    clearIntent(place);
    const { toContent } = await loadMarkdown();
    const content = toContent(source, typed.mentions, { ...options, room: mayRoom });
    if (intent?.kind === "edit") await sendEdit(place, content, intent.eventId, typed);
    else await sendWritten(place, content, intent?.kind === "reply" ? intent.eventId : null, typed);
  }

  async function command(c: Command, rest: string): Promise<void> {
    if (c.name === "me") return write(rest, { msgtype: "m.emote" });
    if (c.name === "plain") return write(rest, { plain: true });
    if (c.name === "shrug") return write(rest === "" ? shrug : `${rest} ${shrug}`, { plain: true });
    const typed = { text: text.text, mentions: text.mentions };
    text.set(emptyDraft);
    if (c.name === "poll") return openPoll(rest);
    if (c.name === "help") return openHelp();
    try {
      const outcome = await perform(c, rest, roomId, typed.mentions);
      if (outcome === "home") await navigate({ to: "/" });
      else if (outcome) await navigate({ to: "/room/$roomId", params: { roomId: outcome.open } });
    } catch (err) {
      text.set(typed);
      setNotice(err instanceof NobodyError ? { text: "nobody", values: { name: err.message } } : { text: "failed", values: { reason: reasonOf(err).message } });
    }
  }

  async function send(): Promise<void> {
    setNotice(null);
    if (text.text.trim() === "") return;
    const parsed = parse(text.text);
    try {
      if (intent?.kind === "edit") {
        // An edit changes a text: of the commands only those that make one count.
        const emote = parsed.kind === "command" && parsed.command.name === "me";
        await write(emote ? parsed.rest : parsed.kind === "text" ? parsed.text : text.text, emote ? { msgtype: "m.emote" } : {});
      } else if (parsed.kind === "text") await write(parsed.text, {});
      else if (parsed.kind === "command") await command(parsed.command, parsed.rest);
      else if (parsed.kind === "incomplete") setNotice({ text: `incomplete.${parsed.command.argument}`, values: { name: parsed.command.name } });
      else setNotice({ text: "unknownCommand", values: { name: parsed.name } });
    } catch (err) {
      setNotice({ text: "failed", values: { reason: reasonOf(err).message } });
    }
  }

  return { send, notice, setNotice };
}

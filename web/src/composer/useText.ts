import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { quoted } from "@/matrix/send.ts";
import { type Draft, draftOf, emptyDraft, keepDraft, loadDrafts } from "./drafts.ts";
import type { Mention } from "./markdown.ts";
import type { Intent, Place } from "./state.ts";

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

/** The mentions in the HTML of an own message, so that an edit keeps them. */
export function mentionsIn(html: string | null): Mention[] {
  return [...(html ?? "").matchAll(/<a href="https:\/\/matrix\.to\/#\/([^"]+)">([^<]*)<\/a>/g)].flatMap(([, id = "", text = ""]) => {
    const plain = text.replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole);
    try {
      return [{ id: decodeURIComponent(id), text: plain }];
    } catch {
      return [];
    }
  });
}

/** The message that an edit begins with. */
function originalText(roomId: string, eventId: string): Draft | null {
  const text = quoted(roomId, eventId)?.text;
  if (!text) return null;
  return { text: text.msgtype === "m.emote" ? `/me ${text.body}` : text.body, mentions: mentionsIn(text.html) };
}

export interface WrittenText extends Draft {
  set: (draft: Draft) => void;
}

/** What stands in the writing field: the draft, or while one edits, the message that is edited. */
export function useText(place: Place, intent: Intent | undefined): WrittenText {
  const [draft, setDraft] = useState<Draft>(() => draftOf(place));
  const editing = intent?.kind === "edit" ? intent.eventId : null;
  const begun = intent?.text;
  const before = useRef<string | null>(null);
  const { roomId, threadId } = place;

  useEffect(() => {
    let gone = false;
    void loadDrafts().then(() => {
      if (!gone) setDraft((now) => (now.text === "" ? draftOf({ roomId, threadId }) : now));
    });
    return () => {
      gone = true;
    };
  }, [roomId, threadId]);

  // Together with the line that says so: what is typed between the two would be lost.
  useLayoutEffect(() => {
    if (editing !== null) setDraft(begun ?? originalText(roomId, editing) ?? emptyDraft);
    else if (before.current !== null) setDraft(draftOf({ roomId, threadId }));
    before.current = editing;
  }, [editing, begun, roomId, threadId]);

  const set = useCallback(
    (next: Draft) => {
      setDraft(next);
      if (editing === null) keepDraft({ roomId, threadId }, next);
    },
    [editing, roomId, threadId],
  );
  return { ...draft, set };
}

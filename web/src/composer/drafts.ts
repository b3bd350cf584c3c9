import { useEffect, useMemo } from "react";
import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { state } from "@/matrix/client.ts";
import { sealedStore } from "@/matrix/outboxStore.ts";
import type { Mention } from "./markdown.ts";
import type { Place } from "./state.ts";

/** A text that was begun, with those whom it mentions. */
export interface Draft {
  text: string;
  mentions: Mention[];
}

export const emptyDraft: Draft = { text: "", mentions: [] };

const kept = sealedStore<Record<string, Draft>>("drafts");
const drafts = createStore<Record<string, Draft>>(() => ({}));
let loading: Promise<void> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

const key = ({ roomId, threadId }: Place): string => (threadId ? `${roomId} ${threadId}` : roomId);

/** Reads what the browser kept; what was typed meanwhile is newer. */
export function loadDrafts(): Promise<void> {
  loading ??= kept.load().then((read) => drafts.setState((s) => ({ ...read, ...s }), true));
  return loading;
}

export const draftOf = (place: Place): Draft => drafts.getState()[key(place)] ?? emptyDraft;

function write(): void {
  clearTimeout(timer);
  timer = undefined;
  void loadDrafts().then(() => kept.save(drafts.getState()));
}

/** Keeps a draft: soon, and at once when the page goes away. An empty one is forgotten. */
export function keepDraft(place: Place, draft: Draft): void {
  const { [key(place)]: _, ...others } = drafts.getState();
  drafts.setState(draft.text === "" ? others : { ...others, [key(place)]: draft }, true);
  timer ??= setTimeout(write, 400);
}

/** Which rooms have a draft, for lists. */
export const roomsWithDrafts = (): string[] => Object.keys(drafts.getState()).map((k) => k.split(" ")[0] as string);

/** The same for views: the set changes only when a draft is begun or ends, not with each letter. */
export function useRoomsWithDrafts(): ReadonlySet<string> {
  useEffect(() => void loadDrafts(), []);
  const rooms = useStore(drafts, () => [...new Set(roomsWithDrafts())].sort().join(" "));
  return useMemo(() => new Set(rooms.split(" ")), [rooms]);
}

if (typeof document !== "undefined") {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden" && timer !== undefined) write();
  });
}
state.subscribe((now) => {
  if (now.phase !== "signed-out" && now.phase !== "removed" && now.phase !== "elsewhere") return;
  clearTimeout(timer);
  timer = undefined;
  loading = null;
  drafts.setState({}, true);
});

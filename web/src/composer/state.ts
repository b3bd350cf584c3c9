import type { Draft } from "./drafts.ts";
import { createStore } from "zustand/vanilla";
import { useStore } from "zustand";

/** Where a composer writes to: a room, or a thread in it. */
export interface Place {
  roomId: string;
  threadId?: string | undefined;
}

/** What the next message of a composer refers to. */
export interface Intent {
  kind: "reply" | "edit";
  eventId: string;
  /** What an edit begins with, where that is not the message as it is. */
  text?: Draft;
}

const key = ({ roomId, threadId }: Place): string => (threadId ? `${roomId} ${threadId}` : roomId);
const intents = createStore<Record<string, Intent | undefined>>(() => ({}));

/** Lets the next message be a reply to an event. */
export function startReply(place: Place, eventId: string): void {
  intents.setState({ [key(place)]: { kind: "reply", eventId } });
}

/** Lets the composer change an own message, from a text that was written already if there is one. */
export function startEdit(place: Place, eventId: string, text?: Draft): void {
  intents.setState({ [key(place)]: { kind: "edit", eventId, ...(text ? { text } : {}) } });
}

export function clearIntent(place: Place): void {
  intents.setState({ [key(place)]: undefined });
}

export function useIntent(place: Place): Intent | undefined {
  return useStore(intents, (s) => s[key(place)]);
}

let focusWanted = false;

/** Lets the field of the chat that is opened next take the focus: who went there by a key goes on with keys. */
export const focusNextField = (): void => void (focusWanted = true);

/** Whether a field that has come up should take the focus. */
export function takeFocus(): boolean {
  const wanted = focusWanted;
  focusWanted = false;
  return wanted;
}

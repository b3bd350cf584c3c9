import { createContext, useContext } from "react";
import { createStore } from "zustand/vanilla";
import { useStore } from "zustand";
import type { Place } from "@/matrix/timeline.ts";

/** What a timeline offers to its rows. The object stays the same as long as the timeline is open. */
export interface TimelineHandle {
  place: Place;
  jumpTo: (eventId: string) => void;
  openThread: (rootId: string) => void;
  openPerson: (userId: string) => void;
  jumpToDate: (time: number) => Promise<boolean>;
}

export const TimelineContext = createContext<TimelineHandle | null>(null);

export function useTimelineHandle(): TimelineHandle {
  const handle = useContext(TimelineContext);
  if (handle === null) throw new Error("outside a timeline");
  return handle;
}

export type DialogKind = "history" | "delete" | "forward" | "report" | "source" | "reactions";

/** What is open over a timeline: a menu or the emoji picker at a point, or a dialog about a message. */
export type Overlay =
  | { kind: "menu" | "picker"; place: Place; id: string; x: number; y: number }
  | { kind: DialogKind; place: Place; id: string };

const store = createStore<{ overlay: Overlay | null }>(() => ({ overlay: null }));

export const openOverlay = (overlay: Overlay): void => store.setState({ overlay });
export const closeOverlay = (): void => store.setState({ overlay: null });

const samePlace = (a: Place, b: Place): boolean => a.roomId === b.roomId && a.threadId === b.threadId;

/** The overlay of one timeline. */
export const useOverlay = (place: Place): Overlay | null => useStore(store, (s) => (s.overlay && samePlace(s.overlay.place, place) ? s.overlay : null));

/** Whether the menu of this message is open. */
export const useMenuOpen = (place: Place, id: string): boolean =>
  useStore(store, (s) => s.overlay !== null && (s.overlay.kind === "menu" || s.overlay.kind === "picker") && s.overlay.id === id && samePlace(s.overlay.place, place));

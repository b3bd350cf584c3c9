import { create } from "zustand";
import type { RoomFilter } from "@/matrix/roomsorder.ts";

/** What is open above the app. */
export type Dialog =
  | { kind: "chat" }
  | { kind: "room"; space: string; of: "room" | "space" }
  | { kind: "join"; text: string }
  | { kind: "leave"; roomId: string }
  | { kind: "invite"; roomId: string }
  | { kind: "addRooms"; spaceId: string }
  | { kind: "report"; roomId: string }
  | { kind: "upgrade"; roomId: string }
  | { kind: "status" }
  | { kind: "signOut" }
  | { kind: "switch" };

interface State {
  filter: RoomFilter;
  words: string;
  space: string; // chosen, "" for all
  dialog: Dialog | null;
}

const spaceKey = "conclave.space";

export const useRooms = create<State>(() => ({ filter: "all", words: "", space: localStorage.getItem(spaceKey) ?? "", dialog: null }));

export const openDialog = (dialog: Dialog): void => useRooms.setState({ dialog });
export const closeDialog = (): void => useRooms.setState({ dialog: null });

/** Shows the rooms of one space only, or of all; the choice holds in this browser. */
export function chooseSpace(space: string): void {
  if (space) localStorage.setItem(spaceKey, space);
  else localStorage.removeItem(spaceKey);
  useRooms.setState({ space });
}

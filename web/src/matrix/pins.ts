import { RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";
import { pinnedIds } from "./timelineMessages.ts";

/** The ids of a room's pinned messages, the newest pin first. */
export function usePins(roomId: string): string[] {
  return useView(
    `pins ${roomId}`,
    () => {
      const room = client().getRoom(roomId);
      return room ? [[room.currentState, [RoomStateEvent.Events]]] : [];
    },
    () => {
      const room = client().getRoom(roomId);
      return room ? pinnedIds(room).reverse() : [];
    },
    (a, b) => a.length === b.length && a.every((id, i) => id === b[i]),
  );
}

/** Pins a message for everybody, or unpins it. */
export async function setPinned(roomId: string, id: string, on: boolean): Promise<void> {
  const room = client().getRoom(roomId);
  if (!room) return;
  const pinned = pinnedIds(room).filter((p) => p !== id);
  await client().sendStateEvent(roomId, "m.room.pinned_events" as never, { pinned: on ? [...pinned, id] : pinned } as never, "");
}

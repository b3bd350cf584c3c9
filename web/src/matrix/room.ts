import { ClientEvent, RoomEvent, RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** What the head of a room shows. */
export interface RoomHead {
  name: string;
  topic: string;
  avatar: string | null;
}

/** The head of a room; of one that is not known, its id. */
export function useRoomHead(roomId: string): RoomHead {
  return useView(
    `head ${roomId}`,
    () => [[client(), [ClientEvent.Room, RoomEvent.Name, RoomStateEvent.Events]]],
    () => {
      const room = client().getRoom(roomId);
      const topic: unknown = room?.currentState.getStateEvents("m.room.topic", "")?.getContent().topic;
      return { name: room?.name ?? roomId, topic: typeof topic === "string" ? topic : "", avatar: room?.getMxcAvatarUrl() ?? null };
    },
    (a, b) => a.name === b.name && a.topic === b.topic && a.avatar === b.avatar,
  );
}

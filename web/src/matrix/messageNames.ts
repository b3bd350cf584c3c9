import { ClientEvent, RoomEvent, RoomMemberEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** Somebody who is named in a message. */
export interface NamedPerson {
  name: string;
  me: boolean;
}

export function useNamedPerson(roomId: string | undefined, userId: string): NamedPerson {
  return useView(
    `person ${roomId ?? ""} ${userId}`,
    () => [[client(), [RoomMemberEvent.Name]]],
    () => {
      const member = roomId === undefined ? null : client().getRoom(roomId)?.getMember(userId);
      const user = client().getUser(userId);
      return {
        name: member?.rawDisplayName ?? user?.displayName ?? userId,
        me: client().getUserId() === userId,
      };
    },
    (a, b) => a.name === b.name,
  );
}

/** The id and the name of a room that is named by its id or an address; null if the user is not in it. */
export function useNamedRoom(idOrAlias: string): { id: string; name: string } | null {
  return useView(
    `named ${idOrAlias}`,
    () => [[client(), [ClientEvent.Room, RoomEvent.Name, RoomEvent.MyMembership]]],
    () => {
      const rooms = client().getRooms();
      const room = idOrAlias.startsWith("!") ? client().getRoom(idOrAlias) : rooms.find((r) => r.getCanonicalAlias() === idOrAlias || r.getAltAliases().includes(idOrAlias));
      return room && room.getMyMembership() === "join" ? { id: room.roomId, name: room.name } : null;
    },
    (a, b) => a?.id === b?.id && a?.name === b?.name,
  );
}

import { ClientEvent, EventType, MatrixEventEvent, NotificationCountType, type Room, RoomEvent, RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** A row of the list of rooms. */
export interface RoomRow {
  id: string;
  name: string;
  avatar: string | null; // mxc:
  direct: string | null; // the other person's user id
  membership: "join" | "invite" | "knock";
  unread: number;
  mentions: number;
  at: number; // of the last message, milliseconds
}

const listed = new Set(["join", "invite", "knock"]);

/** The user ids of direct chats by room, as the account data say. */
function directs(): Map<string, string> {
  const content = client().getAccountData(EventType.Direct)?.getContent<Record<string, string[]>>() ?? {};
  return new Map(Object.entries(content).flatMap(([user, rooms]) => (Array.isArray(rooms) ? rooms.map((r) => [r, user] as const) : [])));
}

function row(room: Room, direct: string | undefined): RoomRow {
  return {
    id: room.roomId,
    name: room.name,
    avatar: room.getMxcAvatarUrl() ?? (direct ? (room.getMember(direct)?.getMxcAvatarUrl() ?? null) : null),
    direct: direct ?? null,
    membership: room.getMyMembership() as RoomRow["membership"],
    unread: room.getUnreadNotificationCount(NotificationCountType.Total),
    mentions: room.getUnreadNotificationCount(NotificationCountType.Highlight),
    at: room.getLastActiveTimestamp(),
  };
}

const attention = (r: RoomRow): number => (r.membership === "invite" ? 3 : r.mentions > 0 ? 2 : r.unread > 0 ? 1 : 0);

function compute(): RoomRow[] {
  const direct = directs();
  return client()
    .getVisibleRooms()
    .filter((r) => listed.has(r.getMyMembership()) && !r.isSpaceRoom())
    .map((r) => row(r, direct.get(r.roomId)))
    .sort((a, b) => attention(b) - attention(a) || b.at - a.at);
}

const equal = (a: RoomRow, b: RoomRow): boolean => (Object.keys(a) as (keyof RoomRow)[]).every((k) => a[k] === b[k]);

/** All rooms of the user but spaces, those that need attention first. */
export function useRoomRows(): RoomRow[] {
  const sources = () =>
    [
      [client(), [ClientEvent.Room, ClientEvent.Sync, ClientEvent.AccountData, RoomEvent.Name, RoomEvent.MyMembership, RoomEvent.Timeline,
        RoomEvent.Receipt, RoomEvent.UnreadNotifications, RoomStateEvent.Events, MatrixEventEvent.Decrypted]],
    ] as const;
  return useView("rooms", sources, compute, (a, b) => a.length === b.length && a.every((r, i) => equal(r, b[i] as RoomRow)));
}

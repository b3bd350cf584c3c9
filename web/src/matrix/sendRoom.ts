import { ClientEvent, EventType, type MatrixClient, RoomEvent, RoomMemberEvent, RoomStateEvent } from "matrix-js-sdk";
import { useEffect } from "react";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** Whether one may write to a room, and if not why. */
export type MaySend =
  | { may: true; room: boolean; encrypted: boolean }
  | { may: false; why: "unknown" | "invited" | "knocked" | "left" | "banned" | "power" }
  | { may: false; why: "replaced"; by: string };

const roomSources = (c: MatrixClient) => [[c, [ClientEvent.Room, RoomEvent.MyMembership, RoomStateEvent.Events, RoomMemberEvent.PowerLevel]]] as const;

function maySend(roomId: string): MaySend {
  const room = client().getRoom(roomId);
  if (!room) return { may: false, why: "unknown" };
  const membership = room.getMyMembership();
  const whys: Record<string, "invited" | "knocked" | "banned"> = { invite: "invited", knock: "knocked", ban: "banned" };
  if (membership !== "join") return { may: false, why: whys[membership] ?? "left" };
  const tombstone: unknown = room.currentState.getStateEvents(EventType.RoomTombstone, "")?.getContent().replacement_room;
  if (typeof tombstone === "string" && tombstone !== "") return { may: false, why: "replaced", by: tombstone };
  const me = client().getSafeUserId();
  const encrypted = room.hasEncryptionStateEvent();
  if (!room.currentState.maySendEvent(encrypted ? EventType.RoomMessageEncrypted : EventType.RoomMessage, me)) return { may: false, why: "power" };
  return { may: true, room: room.currentState.mayTriggerNotifOfType("room", me), encrypted };
}

export function useMaySend(roomId: string): MaySend {
  return useView(`may send ${roomId}`, () => roomSources(client()), () => maySend(roomId), (a, b) => JSON.stringify(a) === JSON.stringify(b));
}

/** Somebody whom a message can mention. */
export interface Mentionable {
  id: string;
  name: string;
  avatar: string | null;
}

/** The members of a room by name, without oneself. Those who are not known yet are fetched. */
export function useMentionable(roomId: string): Mentionable[] {
  useEffect(() => {
    void client().getRoom(roomId)?.loadMembersIfNeeded().catch(() => undefined);
  }, [roomId]);
  return useView(
    `mentionable ${roomId}`,
    () => [[client(), [RoomStateEvent.Members, RoomStateEvent.Update, ClientEvent.Room]]],
    () => {
      const me = client().getSafeUserId();
      return (client().getRoom(roomId)?.getMembers() ?? [])
        .filter((m) => m.userId !== me && (m.membership === "join" || m.membership === "invite"))
        .map((m) => ({ id: m.userId, name: m.rawDisplayName || m.userId, avatar: m.getMxcAvatarUrl() ?? null }))
        .sort((a, b) => a.name.localeCompare(b.name));
    },
    (a, b) => a.length === b.length && a.every((m, i) => m.id === b[i]?.id && m.name === b[i].name && m.avatar === b[i].avatar),
  );
}

/** A room that a message can name: those with an address. */
export interface Nameable {
  id: string;
  alias: string;
  name: string;
  avatar: string | null;
}

export function useNameable(): Nameable[] {
  return useView(
    "nameable",
    () => [[client(), [ClientEvent.Room, RoomEvent.Name, RoomStateEvent.Events]]],
    () =>
      client()
        .getVisibleRooms()
        .flatMap((r) => {
          const alias = r.getCanonicalAlias();
          return alias ? [{ id: r.roomId, alias, name: r.name, avatar: r.getMxcAvatarUrl() }] : [];
        })
        .sort((a, b) => a.name.localeCompare(b.name)),
    (a, b) => a.length === b.length && a.every((r, i) => r.id === b[i]?.id && r.alias === b[i].alias && r.name === b[i].name),
  );
}

/** Whether a room's messages are encrypted. */
export const isEncrypted = (roomId: string): boolean => client().getRoom(roomId)?.hasEncryptionStateEvent() ?? true;

import { ClientEvent, type Room, RoomEvent, RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { keptRow } from "./roomskept.ts";
import { avatarOf, directOf, directs } from "./rooms.ts";
import { useView } from "./subscribe.ts";

/** Whether the user is in a room, may go in, or is out of it. `unknown`: this device has not heard of it. */
export type Standing = "join" | "invite" | "knock" | "leave" | "ban" | "unknown";

/** What the head of a room shows. */
export interface RoomHead {
  name: string;
  topic: string;
  avatar: string | null;
  direct: string | null; // the other person's user id
  standing: Standing;
  inviter: string; // user id, "" if none
  inviterName: string;
  members: number; // that have joined
  invited: number;
  knocking: number;
  encrypted: boolean;
  space: boolean;
  version: string;
  /** The room that took this one's place. */
  replacement: string;
  /** The room whose place this one took. */
  predecessor: string;
  alias: string;
  altAliases: string[];
  joinRule: string;
  joinSpaces: string[]; // whose members may join
  history: string;
  creator: string; // user id
}

function content(room: Room, type: string): Record<string, unknown> {
  return room.currentState.getStateEvents(type, "")?.getContent() ?? {};
}
const text = (v: unknown): string => (typeof v === "string" ? v : "");

function read(roomId: string): RoomHead {
  const room = client().getRoom(roomId);
  if (room === null) {
    const { name, avatar, direct } = keptRow(roomId) ?? { name: roomId, avatar: null, direct: null };
    return { ...unknown, name, avatar, direct };
  }
  const direct = directOf(room, directs());
  const rule = content(room, "m.room.join_rules");
  const allow = Array.isArray(rule.allow) ? (rule.allow as { type?: unknown; room_id?: unknown }[]) : [];
  const inviter = room.getMyMembership() === "invite" ? (room.getMember(room.myUserId)?.events.member?.getSender() ?? "") : "";
  return {
    name: room.name,
    topic: text(content(room, "m.room.topic").topic),
    avatar: avatarOf(room, direct),
    direct,
    standing: (room.getMyMembership() || "unknown") as Standing,
    inviter,
    inviterName: inviter ? (room.getMember(inviter)?.rawDisplayName ?? inviter) : "",
    members: room.getJoinedMemberCount(),
    invited: room.getInvitedMemberCount(),
    knocking: room.getMembersWithMembership("knock").length,
    encrypted: room.hasEncryptionStateEvent(),
    space: room.isSpaceRoom(),
    version: room.getVersion(),
    replacement: text(content(room, "m.room.tombstone").replacement_room),
    predecessor: room.findPredecessor()?.roomId ?? "",
    alias: room.getCanonicalAlias() ?? "",
    altAliases: room.getAltAliases(),
    joinRule: text(rule.join_rule) || "invite",
    joinSpaces: allow.filter((a) => a.type === "m.room_membership").map((a) => text(a.room_id)),
    history: text(content(room, "m.room.history_visibility").history_visibility) || "shared",
    creator: room.getCreator() ?? "",
  };
}

const unknown: RoomHead = {
  name: "", topic: "", avatar: null, direct: null, standing: "unknown", inviter: "", inviterName: "", members: 0, invited: 0, knocking: 0,
  encrypted: false, space: false, version: "", replacement: "", predecessor: "", alias: "", altAliases: [], joinRule: "invite",
  joinSpaces: [], history: "shared", creator: "",
};

const equal = (a: RoomHead, b: RoomHead): boolean =>
  (Object.keys(a) as (keyof RoomHead)[]).every((k) => a[k] === b[k] || (Array.isArray(a[k]) && String(a[k]) === String(b[k])));

/** The head of a room; of one that is not known, its id. */
export function useRoomHead(roomId: string): RoomHead {
  return useView(
    `head ${roomId}`,
    () => [[client(), [ClientEvent.Sync, ClientEvent.Room, ClientEvent.DeleteRoom, ClientEvent.AccountData, RoomEvent.Name, RoomEvent.MyMembership, RoomStateEvent.Events]]],
    () => read(roomId),
    equal,
  );
}

/** Servers that know a room, for others to find it by. */
export function viaOf(roomId: string): string[] {
  const room = client().getRoom(roomId);
  const servers = room?.getJoinedMembers().map((m) => m.userId.slice(m.userId.indexOf(":") + 1)) ?? [];
  return [...new Set([client().getDomain() ?? "", ...servers])].filter((s) => s !== "").slice(0, 3);
}

/** A link to a room that any client of the field understands. */
export function roomLink(roomId: string): string {
  const alias = client().getRoom(roomId)?.getCanonicalAlias();
  if (alias) return `https://matrix.to/#/${encodeURIComponent(alias)}`;
  return `https://matrix.to/#/${encodeURIComponent(roomId)}?${viaOf(roomId).map((s) => `via=${encodeURIComponent(s)}`).join("&")}`;
}

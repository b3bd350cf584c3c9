import { useEffect } from "react";
import { EventType, type Room, type RoomMember, RoomMemberEvent, RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** What a member may do, in three words. `owner` is who made a room of version 12 or newer: that cannot be taken away. */
export type Role = "owner" | "admin" | "moderator" | "member";

export interface Member {
  id: string;
  name: string;
  avatar: string | null;
  membership: "join" | "invite" | "knock" | "ban";
  role: Role;
  power: number; // Infinity for owners
  reason: string; // of a knock or a ban
}

/** The role that a power level means. */
export function roleOf(power: number): Role {
  return power === Infinity ? "owner" : power >= 100 ? "admin" : power >= 50 ? "moderator" : "member";
}

/** The power level that a role is given. */
export const powerOf: Record<Exclude<Role, "owner">, number> = { admin: 100, moderator: 50, member: 0 };

const shown = new Set(["join", "invite", "knock", "ban"]);
const order: Record<Member["membership"], number> = { knock: 0, join: 1, invite: 2, ban: 3 };

export function byRoleAndName(a: Member, b: Member): number {
  return order[a.membership] - order[b.membership] || (a.power === b.power ? 0 : b.power - a.power) || a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1);
}

function view(m: RoomMember): Member {
  const power = m.powerLevel;
  return {
    id: m.userId,
    name: m.rawDisplayName || m.userId,
    avatar: m.getMxcAvatarUrl() ?? null,
    membership: m.membership as Member["membership"],
    role: roleOf(power),
    power,
    reason: String(m.events.member?.getContent().reason ?? ""),
  };
}

const same = (a: Member, b: Member): boolean => (Object.keys(a) as (keyof Member)[]).every((k) => a[k] === b[k]);

/** All people of a room with what they may do: knocking, joined, invited, banned; in each by role and name. */
export function useMembers(roomId: string): Member[] {
  useEffect(() => {
    void client().getRoom(roomId)?.loadMembersIfNeeded().catch(() => false);
  }, [roomId]);
  return useView(
    `members ${roomId}`,
    () => [[client(), [RoomStateEvent.Members, RoomStateEvent.Update, RoomStateEvent.Events, RoomMemberEvent.PowerLevel, RoomMemberEvent.Name]]],
    () => (client().getRoom(roomId)?.getMembers() ?? []).filter((m) => shown.has(m.membership ?? "")).map(view).sort(byRoleAndName),
    (a, b) => a.length === b.length && a.every((m, i) => same(m, b[i] as Member)),
  );
}

/** What the user may do in a room. */
export interface Powers {
  own: number;
  invite: boolean;
  kick: boolean;
  ban: boolean;
  redact: boolean;
  name: boolean;
  topic: boolean;
  avatar: boolean;
  alias: boolean;
  roles: boolean;
  joinRule: boolean;
  history: boolean;
  retention: boolean;
  encryption: boolean;
  upgrade: boolean;
  children: boolean; // of a space
  pin: boolean;
}

const nothing: Powers = {
  own: 0, invite: false, kick: false, ban: false, redact: false, name: false, topic: false, avatar: false, alias: false, roles: false,
  joinRule: false, history: false, retention: false, encryption: false, upgrade: false, children: false, pin: false,
};

export function powersOf(room: Room): Powers {
  const me = room.myUserId;
  if (room.getMyMembership() !== "join") return nothing;
  const state = room.currentState;
  const own = room.getMember(me)?.powerLevel ?? 0;
  const may = (type: string) => state.maySendStateEvent(type, me);
  const sufficient = (act: "kick" | "ban" | "redact") => state.hasSufficientPowerLevelFor(act, own);
  return {
    own,
    invite: room.canInvite(me),
    kick: sufficient("kick"),
    ban: sufficient("ban"),
    redact: sufficient("redact"),
    name: may("m.room.name"),
    topic: may("m.room.topic"),
    avatar: may("m.room.avatar"),
    alias: may("m.room.canonical_alias"),
    roles: may("m.room.power_levels"),
    joinRule: may("m.room.join_rules"),
    history: may("m.room.history_visibility"),
    retention: may("m.room.retention"),
    encryption: may("m.room.encryption"),
    upgrade: may("m.room.tombstone"),
    children: may("m.space.child"),
    pin: may("m.room.pinned_events"),
  };
}

export function usePowers(roomId: string): Powers {
  return useView(
    `powers ${roomId}`,
    () => [[client(), [RoomStateEvent.Events, RoomStateEvent.Members, RoomMemberEvent.PowerLevel]]],
    () => {
      const room = client().getRoom(roomId);
      return room === null ? nothing : powersOf(room);
    },
    (a, b) => (Object.keys(a) as (keyof Powers)[]).every((k) => a[k] === b[k]),
  );
}

/** Whether the user is the only one left who can change what a room's members may do, while others stay. */
export function isLastAdmin(members: readonly Member[], me: string): boolean {
  const mine = members.find((m) => m.id === me);
  const others = members.filter((m) => m.id !== me && (m.membership === "join" || m.membership === "invite"));
  if (mine?.membership !== "join" || mine.power < 100 || others.length === 0) return false;
  return !others.some((m) => m.membership === "join" && m.power >= 100);
}

/** Lets people in. Gives those whom the server refused, with its reason. */
export async function invite(roomId: string, userIds: readonly string[]): Promise<{ id: string; reason: string }[]> {
  const refused: { id: string; reason: string }[] = [];
  for (const id of userIds) {
    try {
      await client().invite(roomId, id);
    } catch (err) {
      refused.push({ id, reason: err instanceof Error ? err.message : String(err) });
    }
  }
  return refused;
}

export async function kick(roomId: string, userId: string, reason?: string): Promise<void> {
  await client().kick(roomId, userId, reason || undefined);
}

export async function ban(roomId: string, userId: string, reason?: string): Promise<void> {
  await client().ban(roomId, userId, reason || undefined);
}

export async function unban(roomId: string, userId: string): Promise<void> {
  await client().unban(roomId, userId);
}

export async function setRole(roomId: string, userId: string, role: Exclude<Role, "owner">): Promise<void> {
  const room = client().getRoom(roomId);
  const levels = room?.currentState.getStateEvents(EventType.RoomPowerLevels, "")?.getContent() ?? {};
  const standard = typeof levels.users_default === "number" ? levels.users_default : 0;
  await client().setPowerLevel(roomId, userId, role === "member" ? standard : powerOf[role]);
}

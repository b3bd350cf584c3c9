import { ClientEvent, RoomMemberEvent, RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { byRoleAndName, type Role, roleOf } from "./members.ts";
import { useView } from "./subscribe.ts";

/** What of a room's settings its members may need power for. */
export type Setting = "name" | "topic" | "avatar" | "joinRule" | "history" | "encryption" | "retention";

const types: Record<Setting, string> = {
  name: "m.room.name", topic: "m.room.topic", avatar: "m.room.avatar", joinRule: "m.room.join_rules", history: "m.room.history_visibility",
  encryption: "m.room.encryption", retention: "m.room.retention",
};

/** Who may change some settings: everybody from a role upwards, and the names of those in the room who are. */
export interface Changers {
  settings: Setting[];
  role: Role;
  names: string[];
}

interface Somebody {
  name: string;
  power: number;
}

/** The level that a state event takes. Spec: cs#mroompower_levels: what is not said is 50, and 0 in a room without levels. */
export function levelFor(levels: Record<string, unknown> | undefined, type: string): number {
  if (levels === undefined) return 0;
  const events = (levels.events ?? {}) as Record<string, unknown>;
  const named = Number(events[type] ?? levels.state_default ?? 50);
  return Number.isFinite(named) ? named : 50;
}

/** The settings, put together where the same people may change them. people stand in the order in which they shall be named. */
export function changersOf(levels: Record<string, unknown> | undefined, settings: readonly Setting[], people: readonly Somebody[]): Changers[] {
  const found = new Map<string, Changers>();
  for (const s of settings) {
    const level = levelFor(levels, types[s]);
    const names = people.filter((p) => p.power >= level).map((p) => p.name);
    const role: Role = level > 100 ? "owner" : roleOf(level <= 0 ? 0 : level <= 50 ? 50 : 100);
    const key = JSON.stringify([role, names]);
    const same = found.get(key);
    if (same) same.settings.push(s);
    else found.set(key, { settings: [s], role, names });
  }
  return [...found.values()];
}

/** Who may change these settings of a room. */
export function useChangers(roomId: string, settings: readonly Setting[]): Changers[] {
  return useView(
    `changers ${roomId} ${settings.join()}`,
    () => [[client(), [ClientEvent.Room, RoomStateEvent.Events, RoomStateEvent.Members, RoomMemberEvent.PowerLevel, RoomMemberEvent.Name]]],
    () => {
      const room = client().getRoom(roomId);
      if (room === null) return [];
      const people = room.getJoinedMembers().map((m) => ({ id: m.userId, name: m.rawDisplayName || m.userId, power: m.powerLevel, membership: "join" as const, avatar: null, role: roleOf(m.powerLevel), reason: "" }));
      return changersOf(room.currentState.getStateEvents("m.room.power_levels", "")?.getContent(), settings, people.sort(byRoleAndName));
    },
    (a, b) => JSON.stringify(a) === JSON.stringify(b),
  );
}

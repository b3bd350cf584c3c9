import { client } from "./client.ts";
import { accountData } from "./accountdata.ts";
import { type Person, personOf } from "./message.ts";
import { avatarOf, directOf, directs } from "./rooms.ts";

/** Where a message was found: names as they are now. */
export interface Origin {
  sender: Person;
  room: string;
  roomAvatar: string | null;
}

export function originOf(roomId: string, userId: string): Origin {
  const room = client().getRoom(roomId);
  if (room === null) return { sender: { id: userId, name: userId, avatar: null }, room: roomId, roomAvatar: null };
  return { sender: personOf(room, userId), room: room.name, roomAvatar: avatarOf(room, directOf(room, directs())) };
}

interface Named {
  id: string;
  names: string[];
}

const joined = () => client().getRooms().filter((r) => r.getMyMembership() === "join");

/** The people of one room or of all, as far as this device knows them, with every name that they have. */
export function searchedPeople(roomId: string | null): Named[] {
  const people = new Map<string, Set<string>>();
  for (const room of joined()) {
    if (roomId !== null && room.roomId !== roomId) continue;
    for (const m of room.getMembers()) {
      const names = people.get(m.userId) ?? new Set();
      people.set(m.userId, names.add(m.rawDisplayName || m.userId));
    }
  }
  return [...people].map(([id, names]) => ({ id, names: [...names] }));
}

/** The rooms that the user is in, with their names and addresses. */
export const searchedRoomNames = (): Named[] => joined().map((r) => ({ id: r.roomId, names: [r.name, r.getCanonicalAlias() ?? "", ...r.getAltAliases()].filter((n) => n !== "") }));

export const ownId = (): string => client().getSafeUserId();

/** Whose messages the user does not want to see. */
export const ignoredPeople = (): string[] => Object.keys((accountData("m.ignored_user_list").ignored_users ?? {}) as object);

import { useQuery } from "@tanstack/react-query";
import { ClientEvent, RoomMemberEvent, UserEvent } from "matrix-js-sdk";
import { api } from "./api.ts";
import { client } from "./client.ts";
import { useProfile as useOwnProfile } from "./profile.ts";
import { directs } from "./rooms.ts";
import { keptList } from "./roomskept.ts";
import { useView } from "./subscribe.ts";

/** A person as others see them. */
export interface Person {
  id: string;
  name: string;
  avatar: string | null;
}

interface Found {
  results: { user_id: string; display_name?: string | null; avatar_url?: string | null }[];
}

/** The part of a user id that is the person's own. */
export const localpart = (userId: string): string => userId.slice(1, userId.indexOf(":"));

/** Whether a text is a whole user id. */
export const isUserId = (s: string): boolean => /^@[^:\s]+:[^\s]+$/.test(s);

/** Looks for people by name in the organisation's directory. The user is not among them. */
export async function searchPeople(term: string, limit = 20): Promise<Person[]> {
  const { results } = (await client().searchUserDirectory({ term, limit })) as Found;
  const me = client().getSafeUserId();
  return results.filter((r) => r.user_id !== me).map((r) => ({ id: r.user_id, name: r.display_name || localpart(r.user_id), avatar: r.avatar_url ?? null }));
}

/** People that the user talks to alone, the latest first: whom one most likely means before anything is typed. */
export function recentPeople(): Person[] {
  return [...directs()]
    .flatMap(([roomId, userId]) => {
      const room = client().getRoom(roomId);
      return room === null ? [] : [{ at: room.getLastActiveTimestamp(), userId }];
    })
    .sort((a, b) => b.at - a.at)
    .map(({ userId }) => userId)
    .filter((u, i, all) => all.indexOf(u) === i)
    .map((id) => personOf(id));
}

export function personOf(userId: string, roomId?: string): Person {
  const member = roomId ? client().getRoom(roomId)?.getMember(userId) : undefined;
  const user = client().getUser(userId);
  return {
    id: userId,
    name: member?.rawDisplayName || user?.displayName || localpart(userId),
    avatar: member?.getMxcAvatarUrl() ?? user?.avatarUrl ?? null,
  };
}

/** A person's profile as the server has it now; what is known locally until then. */
export function usePerson(userId: string): Person & { timezone: string; status: string } {
  const known = personOf(userId);
  const { data } = useQuery({
    queryKey: ["profile", userId],
    queryFn: () => profile(userId),
  });
  return { id: userId, name: text(data?.displayname) || known.name, avatar: text(data?.avatar_url) || known.avatar, timezone: text(data?.["m.tz"]), status: text((data?.["org.matrix.msc4426.status"] as { text?: unknown } | undefined)?.text) };
}

/** The user, as others see them. */
export function useMe(): Person {
  const userId = client().getSafeUserId();
  const known = useView(
    `me ${userId}`,
    () => [[client(), [ClientEvent.Sync, UserEvent.DisplayName, UserEvent.AvatarUrl, RoomMemberEvent.Name]]],
    () => {
      const kept = keptList()?.me;
      return kept?.name ? { id: userId, ...kept } : personOf(userId);
    },
    (a, b) => a.name === b.name && a.avatar === b.avatar,
  );
  // The sync says nothing of one's own profile until a room or the presence does.
  const { data } = useOwnProfile();
  return { id: userId, name: data?.name || known.name, avatar: data ? data.avatar : known.avatar };
}

const text = (v: unknown): string => (typeof v === "string" ? v : "");
const profile = (userId: string): Promise<Record<string, unknown>> => api(`/_matrix/client/v3/profile/${encodeURIComponent(userId)}`);

/** Rooms that the user and a person are both in. */
export function sharedRooms(userId: string): { id: string; name: string; avatar: string | null }[] {
  const known = directs();
  return client()
    .getVisibleRooms()
    .filter((r) => r.getMyMembership() === "join" && !r.isSpaceRoom() && !known.has(r.roomId) && r.getMember(userId)?.membership === "join")
    .map((r) => ({ id: r.roomId, name: r.name, avatar: r.getMxcAvatarUrl() }));
}

interface Shared {
  joined: string[];
}

/** The ids of rooms that both are in, as the server knows them: this device has not loaded all members. */
export function useSharedRooms(userId: string): { id: string; name: string; avatar: string | null }[] {
  const { data } = useQuery({
    queryKey: ["mutual", userId],
    queryFn: () => api<Shared>(`/_matrix/client/v1/mutual_rooms?user_id=${encodeURIComponent(userId)}`),
    enabled: userId !== client().getSafeUserId(),
  });
  if (!data) return sharedRooms(userId);
  const known = directs();
  return data.joined
    .map((id) => client().getRoom(id))
    .filter((r) => r !== null)
    .filter((r) => !r.isSpaceRoom() && !known.has(r.roomId))
    .map((r) => ({ id: r.roomId, name: r.name, avatar: r.getMxcAvatarUrl() }));
}

export function useIgnored(userId: string): boolean {
  return useView(`ignored ${userId}`, () => [[client(), [ClientEvent.AccountData]]], () => client().isUserIgnored(userId));
}

/** Hides all that a person writes from now on, or shows it again. */
export async function setIgnored(userId: string, on: boolean): Promise<void> {
  const others = client().getIgnoredUsers().filter((u) => u !== userId);
  await client().setIgnoredUsers(on ? [...others, userId] : others);
}

/** Whether the user administers the server. */
export function useIsAdmin(): boolean {
  const { data } = useQuery({
    queryKey: ["capabilities"],
    queryFn: () => api<{ capabilities: Record<string, unknown> }>("/_matrix/client/v3/capabilities"),
    staleTime: 10 * 60_000,
  });
  return data !== undefined && "m.account_moderation" in data.capabilities;
}

/** The server's name, which ids of people at home end with. */
export const homeServer = (): string => client().getDomain() ?? "";
export const myId = (): string => client().getSafeUserId();

import { useQuery } from "@tanstack/react-query";
import { ClientEvent, EventType, type Room, RoomEvent, RoomStateEvent } from "matrix-js-sdk";
import { api } from "./api.ts";
import { client } from "./client.ts";
import { outside, type Outside } from "./directory.ts";
import { viaOf } from "./room.ts";
import { keptList } from "./roomskept.ts";
import { useView } from "./subscribe.ts";

/** A space that the user is in, a department say, with the spaces within it. */
export interface Space {
  id: string;
  name: string;
  avatar: string | null;
  children: Space[];
  /** All rooms of it and of the spaces within it. */
  rooms: ReadonlySet<string>;
}

/** The children that a space's state names, in the order that it gives. Spec: cs#ordering-of-children-within-a-space */
export function childrenOf(room: Room): string[] {
  return room.currentState
    .getStateEvents(EventType.SpaceChild)
    .filter((e) => Array.isArray(e.getContent().via) && e.getContent().via.length > 0)
    .map((e) => {
      const order: unknown = e.getContent().order;
      return { id: e.getStateKey() ?? "", at: e.getTs(), order: typeof order === "string" && /^[\x20-\x7e]{0,50}$/.test(order) ? order : null };
    })
    .sort((a, b) => {
      if (a.order !== null && b.order !== null && a.order !== b.order) return a.order < b.order ? -1 : 1;
      if ((a.order === null) !== (b.order === null)) return a.order === null ? 1 : -1;
      return a.at - b.at || (a.id < b.id ? -1 : 1);
    })
    .map((c) => c.id);
}

/** Builds the tree of spaces. One that stands in itself, by whatever way, is shown once on each path. */
export function tree(spaces: ReadonlyMap<string, { name: string; avatar: string | null; children: readonly string[] }>): Space[] {
  const inner = new Set([...spaces.values()].flatMap((s) => s.children).filter((c) => spaces.has(c)));
  const build = (id: string, path: readonly string[]): Space | null => {
    const s = spaces.get(id);
    if (!s || path.includes(id)) return null;
    const children = s.children.map((c) => build(c, [...path, id])).filter((c) => c !== null);
    const rooms = new Set([...s.children.filter((c) => !spaces.has(c)), ...children.flatMap((c) => [...c.rooms])]);
    return { id, name: s.name, avatar: s.avatar, children, rooms };
  };
  const tops = [...spaces.keys()].filter((id) => !inner.has(id));
  // Spaces that hold each other in a ring have no top: one of them is taken for it.
  const reached = new Set<string>();
  const reach = (s: Space): void => {
    reached.add(s.id);
    s.children.forEach(reach);
  };
  const result = tops.map((id) => build(id, [])).filter((s) => s !== null);
  result.forEach(reach);
  for (const id of spaces.keys()) {
    if (reached.has(id)) continue;
    const s = build(id, []);
    if (s) {
      result.push(s);
      reach(s);
    }
  }
  return result.sort((a, b) => a.name.localeCompare(b.name));
}

/** The joined spaces by their ids, with what they hold. */
export function spacesNow(): Map<string, { name: string; avatar: string | null; children: string[] }> {
  const all = client().getRooms().filter((r) => r.isSpaceRoom() && r.getMyMembership() === "join");
  const replaced = new Set(all.map((r) => r.findPredecessor()?.roomId));
  const joined = all.filter((r) => !replaced.has(r.roomId));
  return new Map(joined.map((r) => [r.roomId, { name: r.name, avatar: r.getMxcAvatarUrl(), children: childrenOf(r) }]));
}

const same = (a: readonly Space[], b: readonly Space[]): boolean =>
  a.length === b.length &&
  a.every((s, i) => {
    const o = b[i] as Space;
    return s.id === o.id && s.name === o.name && s.avatar === o.avatar && s.rooms.size === o.rooms.size && [...s.rooms].every((r) => o.rooms.has(r)) && same(s.children, o.children);
  });

/** The spaces that the user is in, as a tree. */
export function useSpaces(): Space[] {
  return useView(
    "spaces",
    () => [[client(), [ClientEvent.Sync, ClientEvent.Room, ClientEvent.DeleteRoom, RoomEvent.Name, RoomEvent.MyMembership, RoomStateEvent.Events]]],
    () => {
      const kept = keptList();
      return tree(kept === null ? spacesNow() : new Map(kept.spaces));
    },
    same,
  );
}

export function flat(spaces: readonly Space[], depth = 0): { space: Space; depth: number }[] {
  return spaces.flatMap((space) => [{ space, depth }, ...flat(space.children, depth + 1)]);
}

/** Invitations into spaces. */
export function useSpaceInvites(): { id: string; name: string }[] {
  return useView(
    "space-invites",
    () => [[client(), [ClientEvent.Room, ClientEvent.DeleteRoom, RoomEvent.Name, RoomEvent.MyMembership]]],
    () => client().getRooms().filter((r) => r.isSpaceRoom() && r.getMyMembership() === "invite").map((r) => ({ id: r.roomId, name: r.name })),
    (a, b) => a.length === b.length && a.every((s, i) => s.id === b[i]?.id && s.name === b[i].name),
  );
}

interface Hierarchy {
  rooms: (Parameters<typeof outside>[0] & { children_state: { state_key: string; content: { suggested?: boolean } }[] })[];
  next_batch?: string;
}

export interface SpaceRoom extends Outside {
  suggested: boolean;
}

/** What is in a space, whether the user is in it or not; without the space itself. */
export function useSpaceRooms(spaceId: string): { rooms: SpaceRoom[]; loading: boolean; again: () => void } {
  const { data, isPending, refetch } = useQuery({
    queryKey: ["space", spaceId],
    queryFn: async () => {
      const all: Hierarchy["rooms"] = [];
      let from = "";
      do {
        const page: Hierarchy = await api(`/_matrix/client/v1/rooms/${encodeURIComponent(spaceId)}/hierarchy?max_depth=1&limit=50${from ? `&from=${encodeURIComponent(from)}` : ""}`);
        all.push(...page.rooms);
        from = page.next_batch ?? "";
      } while (from !== "" && all.length < 1000);
      const suggested = new Set(all.find((r) => r.room_id === spaceId)?.children_state.filter((c) => c.content.suggested === true).map((c) => c.state_key));
      return all.filter((r) => r.room_id !== spaceId).map((r) => ({ ...outside(r), suggested: suggested.has(r.room_id) }));
    },
    staleTime: 0,
  });
  return { rooms: data ?? [], loading: isPending, again: () => void refetch() };
}

/** Puts a room into a space. */
export async function addToSpace(spaceId: string, roomId: string, suggested = false): Promise<void> {
  await client().sendStateEvent(spaceId, EventType.SpaceChild, { via: viaOf(roomId), ...(suggested ? { suggested } : {}) }, roomId);
  const room = client().getRoom(roomId);
  if (room?.currentState.maySendStateEvent(EventType.SpaceParent, room.myUserId)) {
    await client().sendStateEvent(roomId, EventType.SpaceParent, { via: viaOf(spaceId), canonical: true }, spaceId);
  }
}

/** Takes a room out of a space; the room stays. */
export async function removeFromSpace(spaceId: string, roomId: string): Promise<void> {
  await client().sendStateEvent(spaceId, EventType.SpaceChild, {} as never, roomId);
}

import { KnownMembership } from "matrix-js-sdk/lib/types.js";
import { api } from "./api.ts";
import { client } from "./client.ts";
import { arrival, rememberDirect } from "./create.ts";

/** A room that the user may look at from outside. */
export interface Outside {
  id: string;
  name: string;
  topic: string;
  avatar: string | null;
  alias: string;
  members: number;
  joinRule: string; // "" if the server does not say
  space: boolean;
  encrypted: boolean | null;
}

interface Chunk {
  room_id: string;
  name?: string;
  topic?: string;
  avatar_url?: string;
  canonical_alias?: string;
  num_joined_members?: number;
  join_rule?: string;
  room_type?: string;
  encryption?: string;
}

export function outside(c: Chunk): Outside {
  return {
    id: c.room_id,
    name: c.name || c.canonical_alias || c.room_id,
    topic: c.topic ?? "",
    avatar: c.avatar_url ?? null,
    alias: c.canonical_alias ?? "",
    members: c.num_joined_members ?? 0,
    joinRule: c.join_rule ?? "",
    space: c.room_type === "m.space",
    encrypted: c.encryption === undefined ? null : c.encryption !== "",
  };
}

/** One page of the organisation's public rooms. */
export async function publicRooms(term: string, since?: string): Promise<{ rooms: Outside[]; next: string | undefined }> {
  const filter = term.trim() ? { generic_search_term: term.trim() } : {};
  const a = await client().publicRooms({ limit: 30, filter, ...(since ? { since } : {}) });
  return { rooms: a.chunk.map((r) => outside(r as Chunk)), next: a.next_batch };
}

/** What the server tells of a room before one is in it. */
export async function summary(roomIdOrAlias: string, via: readonly string[] = []): Promise<Outside> {
  const query = via.map((v) => `via=${encodeURIComponent(v)}`).join("&");
  return outside(await api<Chunk>(`/_matrix/client/v1/room_summary/${encodeURIComponent(roomIdOrAlias)}${query ? `?${query}` : ""}`));
}

/** Goes into a room; gives its id once it is there. An accepted chat of two is kept as such. */
export async function join(roomIdOrAlias: string, via: readonly string[] = []): Promise<string> {
  const c = client();
  const before = c.getRoom(roomIdOrAlias);
  const inviter = before?.getMyMembership() === "invite" ? before.getDMInviter() : undefined;
  const room = await c.joinRoom(roomIdOrAlias, { viaServers: [...via], acceptSharedHistory: true });
  await arrival(room.roomId);
  if (inviter) await rememberDirect(inviter, room.roomId);
  return room.roomId;
}

/** Asks the members to be let in. */
export async function knock(roomIdOrAlias: string, reason: string, via: readonly string[] = []): Promise<string> {
  const { room_id: id } = await client().knockRoom(roomIdOrAlias, { viaServers: [...via], ...(reason ? { reason } : {}) });
  return id;
}

export async function leave(roomId: string): Promise<void> {
  await client().leave(roomId);
}

/** Takes a room that the user left, or was removed from, out of this and all other devices. */
export async function forget(roomId: string): Promise<void> {
  const room = client().getRoom(roomId);
  if (room?.getMyMembership() === KnownMembership.Join) await client().leave(roomId);
  await client().forget(roomId);
}

/** What a text that was typed or pasted names: a room, by id or address, or a person. */
export interface Target {
  kind: "room" | "person";
  id: string;
  via: string[];
  event: string;
}

/** Reads an id, an address, a matrix: link or a link of matrix.to or of this app. Spec: appendices#uris */
export function readTarget(text: string, origin = location.origin): Target | null {
  let s = text.trim();
  let query = "";
  if (s.startsWith("matrix:")) {
    const m = /^matrix:(?:\/\/[^/]*\/)?(r|roomid|u)\/([^/?]+)(?:\/e\/([^/?]+))?(?:\?(.*))?$/.exec(s);
    if (!m) return null;
    const sigil = { r: "#", roomid: "!", u: "@" }[m[1] as "r" | "roomid" | "u"];
    return target(sigil + decode(m[2] ?? ""), m[3] ? `$${decode(m[3])}` : "", m[4] ?? "");
  }
  const link = /^https:\/\/matrix\.to\/#\/(.+)$/.exec(s);
  if (link) {
    [s = "", query = ""] = (link[1] ?? "").split("?");
    const [id = "", event = ""] = s.split("/");
    return target(decode(id), decode(event), query);
  }
  if (s.startsWith(`${origin}/room/`)) {
    const url = new URL(s);
    return target(decode(url.pathname.slice("/room/".length)), url.searchParams.get("event") ?? "", "");
  }
  return target(s, "", "");
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}

function target(id: string, event: string, query: string): Target | null {
  const via = new URLSearchParams(query).getAll("via");
  if (/^@[^:\s]+:\S+$/.test(id)) return { kind: "person", id, via: [], event: "" };
  if (/^#[^:\s]+:\S+$/.test(id) || /^!\S+$/.test(id)) return { kind: "room", id, via, event };
  return null;
}

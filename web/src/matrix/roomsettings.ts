import { EventType, GuestAccess, type HistoryVisibility, JoinRule, Visibility } from "matrix-js-sdk";
import { api } from "./api.ts";
import { client } from "./client.ts";
import type { Access } from "./create.ts";
import { arrival } from "./create.ts";
import { viaOf } from "./room.ts";

export async function setName(roomId: string, name: string): Promise<void> {
  await client().setRoomName(roomId, name);
}

export async function setTopic(roomId: string, topic: string): Promise<void> {
  await client().setRoomTopic(roomId, topic);
}

/** Puts a picture up, or takes it away. */
export async function setPicture(roomId: string, picture: Blob | null): Promise<void> {
  const url = picture === null ? "" : (await client().uploadContent(picture, { includeFilename: false, type: picture.type })).content_uri;
  await client().sendStateEvent(roomId, EventType.RoomAvatar, url ? { url } : ({} as never), "");
}

export async function setAccess(roomId: string, access: Access, spaces: readonly string[]): Promise<void> {
  const allow = spaces.map((s) => ({ type: "m.room_membership", room_id: s }));
  await client().sendStateEvent(roomId, EventType.RoomJoinRules, access === "restricted" ? ({ join_rule: JoinRule.Restricted, allow } as never) : ({ join_rule: access } as never), "");
  if (access !== "public") await client().sendStateEvent(roomId, EventType.RoomGuestAccess, { guest_access: GuestAccess.Forbidden }, "").catch(() => undefined);
}

export async function setHistory(roomId: string, history: string): Promise<void> {
  await client().sendStateEvent(roomId, EventType.RoomHistoryVisibility, { history_visibility: history as HistoryVisibility }, "");
}

/** Encrypts from now on; there is no way back. */
export async function encrypt(roomId: string): Promise<void> {
  await client().sendStateEvent(roomId, EventType.RoomEncryption, { algorithm: "m.megolm.v1.aes-sha2" }, "");
}

export async function isListed(roomId: string): Promise<boolean> {
  return (await client().getRoomDirectoryVisibility(roomId)).visibility === Visibility.Public;
}

export async function setListed(roomId: string, on: boolean): Promise<void> {
  await client().setRoomDirectoryVisibility(roomId, on ? Visibility.Public : Visibility.Private);
}

/** The addresses of a room on this server. */
export async function addresses(roomId: string): Promise<string[]> {
  return (await client().getLocalAliases(roomId)).aliases;
}

function aliasContent(roomId: string): { alias?: string; alt_aliases?: string[] } {
  return { ...(client().getRoom(roomId)?.currentState.getStateEvents(EventType.RoomCanonicalAlias, "")?.getContent() ?? {}) };
}

/** Gives the room an address; the first one becomes the main one. */
export async function addAddress(roomId: string, local: string): Promise<void> {
  const alias = `#${local}:${client().getDomain() ?? ""}`;
  await client().createAlias(alias, roomId);
  const c = aliasContent(roomId);
  if (c.alias) await client().sendStateEvent(roomId, EventType.RoomCanonicalAlias, { ...c, alt_aliases: [...(c.alt_aliases ?? []), alias] }, "");
  else await setMainAddress(roomId, alias);
}

export async function setMainAddress(roomId: string, alias: string): Promise<void> {
  const c = aliasContent(roomId);
  const others = [...(c.alias && c.alias !== alias ? [c.alias] : []), ...(c.alt_aliases ?? [])].filter((a) => a !== alias);
  await client().sendStateEvent(roomId, EventType.RoomCanonicalAlias, { alias, ...(others.length > 0 ? { alt_aliases: others } : {}) }, "");
}

export async function removeAddress(roomId: string, alias: string): Promise<void> {
  const c = aliasContent(roomId);
  const others = (c.alt_aliases ?? []).filter((a) => a !== alias);
  if (c.alias === alias || others.length !== (c.alt_aliases ?? []).length) {
    const main = c.alias === alias ? others.shift() : c.alias;
    await client().sendStateEvent(roomId, EventType.RoomCanonicalAlias, { ...(main ? { alias: main } : {}), ...(others.length > 0 ? { alt_aliases: others } : {}) }, "");
  }
  await client().deleteAlias(alias);
}

interface Capabilities {
  capabilities: { "m.room_versions"?: { default: string; available: Record<string, string> } };
}

/** The version that new rooms have here. */
export async function newestVersion(): Promise<string> {
  const c = await api<Capabilities>("/_matrix/client/v3/capabilities");
  return c.capabilities["m.room_versions"]?.default ?? "";
}

/** Moves a room to a newer version: a new room takes its place, and the joined members are invited to it. */
export async function upgrade(roomId: string, version: string): Promise<string> {
  const c = client();
  const old = c.getRoom(roomId);
  const people = (old?.getMembers() ?? []).filter((m) => m.userId !== c.getUserId() && (m.membership === "join" || m.membership === "invite")).map((m) => m.userId);
  const open = ["public", "restricted"].includes(old?.getJoinRule() ?? "");
  const { replacement_room: next } = await c.upgradeRoom(roomId, version);
  await arrival(next);
  if (!open) for (const id of people) await c.invite(next, id).catch(() => undefined);
  await followInSpaces(roomId, next);
  return next;
}

/** A space that had the old room has the new one in its place, where the user may say so. */
async function followInSpaces(roomId: string, next: string): Promise<void> {
  const c = client();
  for (const space of c.getRooms().filter((r) => r.isSpaceRoom() && r.getMyMembership() === "join")) {
    const child = space.currentState.getStateEvents(EventType.SpaceChild, roomId);
    if (!Array.isArray(child?.getContent().via) || !space.currentState.maySendStateEvent(EventType.SpaceChild, space.myUserId)) continue;
    await c.sendStateEvent(space.roomId, EventType.SpaceChild, { ...child.getContent(), via: viaOf(next) }, next);
    await c.sendStateEvent(space.roomId, EventType.SpaceChild, {} as never, roomId);
  }
}

export async function reportRoom(roomId: string, reason: string): Promise<void> {
  await client().reportRoom(roomId, reason);
}

import { ClientEvent, EventType, HistoryVisibility, type ICreateRoomOpts, type ICreateRoomStateEvent, JoinRule, Preset, RoomCreateTypeField, RoomType, Visibility } from "matrix-js-sdk";
import { changeAccountData } from "./accountdata.ts";
import { client } from "./client.ts";
import { directs } from "./rooms.ts";

/** Who may come into a room: those invited, those who knock and are let in, members of a space, everybody of the organisation. */
export type Access = "invite" | "knock" | "restricted" | "public";

export interface NewRoom {
  name: string;
  topic: string;
  picture: Blob | null;
  access: Access;
  encrypted: boolean;
  alias: string; // the part before the colon, "" for none
  listed: boolean; // in the directory of rooms
  space: string; // that it belongs to, "" for none
  invite: string[];
  kind: "room" | "space";
}

const encryption: ICreateRoomStateEvent = { type: EventType.RoomEncryption, state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } };

/** The room that the user already talks to a person in, "" if there is none. */
export function existingDirect(userId: string): string {
  const c = client();
  const rooms = [...directs()]
    .filter(([, user]) => user === userId)
    .map(([roomId]) => c.getRoom(roomId))
    .filter((r) => r !== null)
    .filter((r) => r.getMyMembership() === "join" && ["join", "invite"].includes(r.getMember(userId)?.membership ?? ""))
    .filter((r) => !r.currentState.getStateEvents("m.room.tombstone", ""));
  rooms.sort((a, b) => b.getLastActiveTimestamp() - a.getLastActiveTimestamp());
  return rooms[0]?.roomId ?? "";
}

/** Notes that a room is a chat with one person. */
export async function rememberDirect(userId: string, roomId: string): Promise<void> {
  await changeAccountData(EventType.Direct, (now) => {
    const rooms = Object.entries(now as Record<string, string[]>).map(([user, ids]) => [user, ids.filter((r) => r !== roomId)] as const);
    const content: Record<string, string[]> = Object.fromEntries(rooms);
    return { ...content, [userId]: [roomId, ...(content[userId] ?? [])] };
  });
}

/** Opens the chat with these people: the one that is there with one person, else a new encrypted one. */
export async function startChat(userIds: readonly string[], name = ""): Promise<string> {
  const only = userIds.length === 1 ? (userIds[0] as string) : "";
  const there = only ? existingDirect(only) : "";
  if (there) return there;
  const { room_id: roomId } = await client().createRoom({
    preset: only ? Preset.TrustedPrivateChat : Preset.PrivateChat,
    visibility: Visibility.Private,
    is_direct: only !== "",
    invite: [...userIds],
    ...(name ? { name } : {}),
    initial_state: [encryption],
  });
  if (only) await rememberDirect(only, roomId);
  await arrival(roomId);
  return roomId;
}

/** Waits until the sync has brought a room that the server says is there, so that it can be shown at once. */
export async function arrival(roomId: string): Promise<void> {
  const c = client();
  const there = () => c.getRoom(roomId)?.getMyMembership() === "join";
  if (there()) return;
  await new Promise<void>((done) => {
    const look = () => {
      if (!there()) return;
      c.off(ClientEvent.Sync, look);
      done();
    };
    c.on(ClientEvent.Sync, look);
  });
}

function access(r: NewRoom): ICreateRoomStateEvent[] {
  const rule = r.access === "restricted" && r.space === "" ? "invite" : r.access;
  const content =
    rule === "restricted" ? { join_rule: JoinRule.Restricted, allow: [{ type: "m.room_membership", room_id: r.space }] } : { join_rule: rule };
  return [{ type: EventType.RoomJoinRules, state_key: "", content }];
}

/** Makes a room or a space. The new room is in its space before it is shown. */
export async function createRoom(r: NewRoom): Promise<string> {
  const c = client();
  const state: ICreateRoomStateEvent[] = access(r);
  if (r.picture) {
    const { content_uri: url } = await c.uploadContent(r.picture, { includeFilename: false, type: r.picture.type });
    state.push({ type: EventType.RoomAvatar, state_key: "", content: { url } });
  }
  if (r.encrypted && r.kind === "room") state.push(encryption);
  if (r.kind === "space") state.push({ type: EventType.RoomHistoryVisibility, state_key: "", content: { history_visibility: HistoryVisibility.Shared } });
  if (r.space) state.push({ type: EventType.SpaceParent, state_key: r.space, content: { via: [c.getDomain() ?? ""], canonical: true } });
  const options: ICreateRoomOpts = {
    name: r.name,
    preset: r.access === "public" ? Preset.PublicChat : Preset.PrivateChat,
    visibility: r.listed && r.access !== "invite" ? Visibility.Public : Visibility.Private,
    invite: r.invite,
    initial_state: state,
    ...(r.topic ? { topic: r.topic } : {}),
    ...(r.alias ? { room_alias_name: r.alias } : {}),
    ...(r.kind === "space" ? { creation_content: { [RoomCreateTypeField]: RoomType.Space }, power_level_content_override: { events_default: 100 } } : {}),
  };
  const { room_id: roomId } = await c.createRoom(options);
  if (r.space) await c.sendStateEvent(r.space, EventType.SpaceChild, { via: [c.getDomain() ?? ""] }, roomId);
  await arrival(roomId);
  return roomId;
}

/** Whether the server encrypts every new room, whatever is asked for. */
export async function encryptsAlways(): Promise<boolean> {
  return (await client().getVersions()).unstable_features?.["io.element.e2ee_forced.private"] === true;
}

/** The part of an address that a name suggests: small letters, digits and hyphens. */
export function aliasFor(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/ß/g, "ss")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60);
}

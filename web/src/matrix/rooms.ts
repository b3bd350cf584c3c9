import { ClientEvent, EventType, MatrixEventEvent, NotificationCountType, ReceiptType, type Room, RoomEvent, RoomStateEvent } from "matrix-js-sdk";
import { client, state } from "./client.ts";
import { preferences } from "./preferences.ts";
import { keepList, keptList } from "./roomskept.ts";
import { Rows } from "./roomsrows.ts";
import { notifyLevel, type NotifyLevel } from "./roomsnotify.ts";
import { byAttention } from "./roomsorder.ts";
import { latest, noPreview, type Preview } from "./roomspreview.ts";
import { spacesNow } from "./spaces.ts";
import { subscribe, useView } from "./subscribe.ts";

/** A row of the list of rooms. */
export interface RoomRow {
  id: string;
  name: string;
  avatar: string | null; // mxc:
  direct: string | null; // the other person's user id
  membership: "join" | "invite" | "knock";
  inviter: string; // the name of who invites, "" otherwise
  unread: number;
  mentions: number;
  /** How many ask to be let in, where the user may let them. */
  knocking: number;
  markedUnread: boolean;
  /** Something is new that the user chose not to be told of. */
  quietlyNew: boolean;
  favourite: boolean;
  lowPriority: boolean;
  level: NotifyLevel;
  at: number; // of the last message, milliseconds; 0 if unknown
  preview: Preview;
}

const listed = new Set(["join", "invite", "knock"]);
const markedType = "m.marked_unread" as const;

declare module "matrix-js-sdk/lib/@types/event" {
  interface RoomAccountDataEvents {
    [markedType]: { unread: boolean };
  }
}

/** The user ids of direct chats by room, as the account data say. */
export function directs(): Map<string, string> {
  const content = client().getAccountData(EventType.Direct)?.getContent<Record<string, string[]>>() ?? {};
  return new Map(Object.entries(content).flatMap(([user, rooms]) => (Array.isArray(rooms) ? rooms.map((r) => [r, user] as const) : [])));
}

/** Who a direct chat is with: by account data, or by what an invitation says. */
export function directOf(room: Room, known: Map<string, string>): string | null {
  return known.get(room.roomId) ?? (room.getMyMembership() === "invite" ? (room.getDMInviter() ?? null) : null);
}

export function avatarOf(room: Room, direct: string | null): string | null {
  return room.getMxcAvatarUrl() ?? (direct ? (room.getMember(direct)?.getMxcAvatarUrl() ?? client().getUser(direct)?.avatarUrl ?? null) : null);
}

function inviterOf(room: Room): string {
  if (room.getMyMembership() !== "invite") return "";
  const sender = room.getMember(room.myUserId)?.events.member?.getSender();
  return sender ? (room.getMember(sender)?.rawDisplayName ?? sender) : "";
}

function knocking(room: Room): number {
  if (!room.getJoinRule().startsWith("knock") || room.getMyMembership() !== "join" || !room.canInvite(room.myUserId)) return 0;
  return room.getMembersWithMembership("knock").length;
}

function row(room: Room, known: Map<string, string>, before: RoomRow | undefined): RoomRow {
  const direct = directOf(room, known);
  const last = latest(room, before?.preview);
  const unread = room.getUnreadNotificationCount(NotificationCountType.Total);
  const preview = last?.preview ?? noPreview;
  const unseen = unread === 0 && preview.kind !== "none" && !preview.own && !(last?.event.isState() ?? true);
  return {
    id: room.roomId,
    name: room.name,
    avatar: avatarOf(room, direct),
    direct,
    membership: room.getMyMembership() as RoomRow["membership"],
    inviter: inviterOf(room),
    unread,
    mentions: room.getUnreadNotificationCount(NotificationCountType.Highlight),
    knocking: knocking(room),
    markedUnread: room.getAccountData(markedType)?.getContent().unread === true,
    quietlyNew: unseen && !room.hasUserReadEvent(room.myUserId, preview.eventId),
    favourite: "m.favourite" in room.tags,
    lowPriority: "m.lowpriority" in room.tags,
    level: notifyLevel(room.roomId),
    at: last?.event.getTs() ?? Math.max(0, room.getMember(room.myUserId)?.events.member?.getTs() ?? 0),
    preview,
  };
}

const samePreview = (a: Preview, b: Preview): boolean => a.eventId === b.eventId && a.kind === b.kind && a.text === b.text && a.sender === b.sender;
const equal = (a: RoomRow, b: RoomRow): boolean =>
  (Object.keys(a) as (keyof RoomRow)[]).every((k) => (k === "preview" ? samePreview(a.preview, b.preview) : a[k] === b[k]));

const isListed = (r: Room): boolean => listed.has(r.getMyMembership()) && !r.isSpaceRoom();

let known = new Map<string, string>(); // direct chats
const rows = new Rows<RoomRow>({
  ids: () => {
    known = directs();
    return client().getVisibleRooms().filter(isListed).map((r) => r.roomId);
  },
  row: (id, before) => row(must(id), known, before),
  equal,
  order: byAttention,
});

/** How long a change may stay unseen that no event tells of. */
const allEvery = 60_000;
let watched: object | null = null;

/** Notes which rooms' rows may say something else from now on. */
function watchRows(): void {
  const c = client();
  if (watched === c) return;
  watched = c;
  rows.touchAll();
  const { touchAll } = rows;
  const ofRoom = (room: Room) => rows.touch(room.roomId);
  const ofEvent = (_: unknown, room: Room | undefined) => rows.touch(room?.roomId);
  for (const name of [ClientEvent.Room, ClientEvent.DeleteRoom, ClientEvent.AccountData, RoomEvent.MyMembership] as const) c.on(name, touchAll);
  for (const name of [RoomEvent.Timeline, RoomEvent.LocalEchoUpdated, RoomEvent.Receipt, RoomEvent.Tags, RoomEvent.AccountData, RoomEvent.Redaction] as const) c.on(name, ofEvent);
  c.on(RoomEvent.Name, ofRoom);
  c.on(MatrixEventEvent.Decrypted, (event) => rows.touch(event.getRoomId()));
  c.on(MatrixEventEvent.Replaced, (event) => rows.touch(event.getRoomId()));
  c.on(RoomStateEvent.Events, (event) => {
    if (event.getType() === "m.room.tombstone" || event.getType() === "m.room.create") touchAll();
    else rows.touch(event.getRoomId());
  });
  let last = Date.now();
  c.on(ClientEvent.Sync, () => {
    // Counts change with no event of their own.
    for (const r of rows) {
      const room = c.getRoom(r.id);
      if (room?.getUnreadNotificationCount(NotificationCountType.Total) !== r.unread || room.getUnreadNotificationCount(NotificationCountType.Highlight) !== r.mentions) rows.touch(r.id);
    }
    if (Date.now() - last < allEvery) return;
    last = Date.now();
    touchAll();
  });
}

let seeded = false;

function compute(): RoomRow[] {
  watchRows();
  const kept = keptList();
  if (kept === null) return rows.now();
  if (!seeded) rows.seed(kept.rows);
  seeded = true;
  return kept.rows;
}

const sources = () =>
  [
    [client(), [ClientEvent.Room, ClientEvent.Sync, ClientEvent.AccountData, ClientEvent.DeleteRoom, RoomEvent.Name, RoomEvent.MyMembership,
      RoomEvent.Timeline, RoomEvent.LocalEchoUpdated, RoomEvent.Receipt, RoomEvent.Tags, RoomEvent.AccountData, RoomEvent.Redaction,
      RoomStateEvent.Events, MatrixEventEvent.Decrypted, MatrixEventEvent.Replaced]],
  ] as const;

/** All rooms of the user but spaces, those that need attention first. */
export function useRoomRows(): RoomRow[] {
  return useView("rooms", sources, compute, (a, b) => a.length === b.length && a.every((r, i) => r === b[i]));
}

const keepEvery = 30_000;

/** Keeps the list for the next start: a while after it changed, and when the page goes out of sight. Returns what ends it. */
export function watchList(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const keep = () => {
    clearTimeout(timer);
    timer = undefined;
    if (stopped || !state.getState().caughtUp) return;
    const { displayName, avatarUrl } = client().getUser(client().getSafeUserId()) ?? {};
    void keepList({ me: { name: displayName ?? "", avatar: avatarUrl ?? null }, rows: compute(), spaces: [...spacesNow()] });
  };
  const hidden = () => {
    if (document.visibilityState === "hidden" && timer !== undefined) keep();
  };
  // Nobody who types is to notice it. Safari has no idle callbacks.
  const atRest = () => ("requestIdleCallback" in window ? requestIdleCallback(keep, { timeout: keepEvery }) : keep());
  const stop = subscribe(sources(), () => (timer ??= setTimeout(atRest, keepEvery)));
  timer = setTimeout(atRest, keepEvery / 10);
  document.addEventListener("visibilitychange", hidden);
  return () => {
    stop();
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", hidden);
  };
}

function must(roomId: string): Room {
  const room = client().getRoom(roomId);
  if (room === null) throw new Error(`no room ${roomId}`);
  return room;
}

/** Reads a room to its end and takes the user's own mark away. */
export async function markRead(roomId: string): Promise<void> {
  const room = must(roomId);
  if (room.getAccountData(markedType)?.getContent().unread === true) await client().setRoomAccountData(roomId, markedType, { unread: false });
  const event = room.getLastLiveEvent();
  const type = preferences().readReceipts === "private" ? ReceiptType.ReadPrivate : ReceiptType.Read;
  if (event && !event.isSending()) await client().sendReadReceipt(event, type, true);
}

/** Marks a room as unread, to come back to it. */
export async function markUnread(roomId: string): Promise<void> {
  await client().setRoomAccountData(roomId, markedType, { unread: true });
}

/** Takes the mark away, as opening the room does. */
export async function clearMark(roomId: string): Promise<void> {
  if (client().getRoom(roomId)?.getAccountData(markedType)?.getContent().unread === true) {
    await client().setRoomAccountData(roomId, markedType, { unread: false });
  }
}

export type Tag = "m.favourite" | "m.lowpriority";

/** Sets or takes a tag; the two exclude each other. */
export async function setTag(roomId: string, tag: Tag, on: boolean): Promise<void> {
  const other: Tag = tag === "m.favourite" ? "m.lowpriority" : "m.favourite";
  if (!on) return void (await client().deleteRoomTag(roomId, tag));
  if (other in must(roomId).tags) await client().deleteRoomTag(roomId, other);
  await client().setRoomTag(roomId, tag, { order: 0.5 });
}

import type { RoomRow } from "./rooms.ts";

/** How much a room asks for attention; more comes first. Muted rooms and those of low priority do not push themselves forward. */
export function attention(r: RoomRow): number {
  if (r.membership === "invite") return 6;
  if (r.mentions > 0) return 5;
  if (r.lowPriority) return 0;
  if ((r.unread > 0 || r.knocking > 0 || r.markedUnread) && r.level !== "mute") return 4;
  return r.favourite ? 3 : 2;
}

/** The order of the list: invitations, mentions, unread, favourites, the rest, low priority; in each the latest first. */
export function byAttention(a: RoomRow, b: RoomRow): number {
  return attention(b) - attention(a) || b.at - a.at || (a.id < b.id ? -1 : 1);
}

export type RoomFilter = "all" | "people" | "rooms" | "unread";

/** Whether a row belongs to what the user asked to see. */
export function matches(r: RoomRow, filter: RoomFilter): boolean {
  switch (filter) {
    case "people":
      return r.direct !== null;
    case "rooms":
      return r.direct === null;
    case "unread":
      return r.membership === "invite" || r.unread > 0 || r.mentions > 0 || r.knocking > 0 || r.markedUnread;
    case "all":
      return true;
  }
}

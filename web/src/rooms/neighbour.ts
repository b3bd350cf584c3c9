import type { RoomRow } from "@/matrix/rooms.ts";
import { matches } from "@/matrix/roomsorder.ts";

/** The chat before or after the open one in the list, at its ends on the other side; of the unread ones if so wanted. */
export function neighbour(rows: readonly RoomRow[], open: string | undefined, step: 1 | -1, unread: boolean): RoomRow | undefined {
  const at = rows.findIndex((r) => r.id === open);
  const from = at < 0 && step < 0 ? rows.length : at;
  for (let i = 1; i <= rows.length; i++) {
    const row = rows[(from + step * i + 2 * rows.length) % rows.length];
    if (row && row.id !== open && (!unread || matches(row, "unread"))) return row;
  }
  return undefined;
}

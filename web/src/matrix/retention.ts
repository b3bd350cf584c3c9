import { ClientEvent, type MatrixEvent, RoomStateEvent } from "matrix-js-sdk";
import { useOrganisation, lastPolicy } from "./organisation.ts";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

const day = 24 * 60 * 60 * 1000;

/** What the organisation says on how long messages are kept; days, null where it says nothing. */
export interface RetentionPolicy {
  retentionDays: number | null;
  retentionMinDays: number | null;
  retentionMaxDays: number | null;
}

/** How long a room's own state says messages are kept, in milliseconds; null if it does not. Spec: MSC1763 */
export function ownLifetime(content: Record<string, unknown> | undefined): number | null {
  const n = content?.max_lifetime;
  return typeof n === "number" && Number.isSafeInteger(n) && n > 0 ? n : null;
}

/** How long messages are kept, in milliseconds, as the server reckons it; null: for ever. */
export function maxAge(own: number | null, policy: RetentionPolicy): number | null {
  if (own === null) return policy.retentionDays === null ? null : policy.retentionDays * day;
  return Math.min(Math.max(own, (policy.retentionMinDays ?? 0) * day), (policy.retentionMaxDays ?? Infinity) * day);
}

/** The age at which messages of a room are deleted everywhere, in milliseconds; null: never. */
export function roomMaxAge(roomId: string): number | null {
  return maxAge(stated(roomId), lastPolicy());
}

function stated(roomId: string): number | null {
  return ownLifetime(client().getRoom(roomId)?.currentState.getStateEvents("m.room.retention", "")?.getContent());
}

/** roomMaxAge, kept up to date. */
export function useRoomMaxAge(roomId: string): number | null {
  const { policy } = useOrganisation();
  return maxAge(useOwnLifetime(roomId), policy);
}

/** What the room's own state says, kept up to date. */
export function useOwnLifetime(roomId: string): number | null {
  return useView(
    `lifetime ${roomId}`,
    () => [[client(), [ClientEvent.Room, RoomStateEvent.Events]]],
    () => stated(roomId),
  );
}

/** A time as people say it: in years, weeks or days where it is whole, else in the largest unit that it has one of. */
export function spellAge(ms: number): { unit: "year" | "week" | "day" | "hour" | "minute" | "second"; count: number } {
  const days = ms / day;
  if (days >= 365 && days % 365 === 0) return { unit: "year", count: days / 365 };
  if (days >= 14 && days < 365 && days % 7 === 0) return { unit: "week", count: days / 7 };
  for (const [unit, size] of [["day", day], ["hour", 3_600_000], ["minute", 60_000]] as const) {
    if (ms >= size) return { unit, count: Math.round(ms / size) };
  }
  return { unit: "second", count: Math.max(1, Math.round(ms / 1000)) };
}

/** Whether a message is older than its room keeps it: the server has deleted it, or does so at any moment. What is still being sent is not. */
export function isExpired(event: Pick<MatrixEvent, "isState" | "getTs" | "status">, age: number | null, now = Date.now()): boolean {
  return age !== null && !event.isState() && (event.status === null || event.status === "sent") && event.getTs() + age <= now;
}

/** isExpired by what the event's own room says. */
export const isGone = (event: MatrixEvent): boolean => isExpired(event, roomMaxAge(event.getRoomId() ?? ""));

/** In how many milliseconds the next of some messages is too old; null if none ever is. No more than a timer takes. */
export function untilExpired(events: readonly Pick<MatrixEvent, "isState" | "getTs">[], age: number | null, now = Date.now()): number | null {
  if (age === null) return null;
  const next = Math.min(...events.filter((e) => !e.isState() && e.getTs() + age > now).map((e) => e.getTs() + age - now));
  return next === Infinity ? null : Math.min(Math.max(next, 250), 2 ** 31 - 1);
}

/** Has a room say for itself how long its messages are kept; null: as the organisation does. */
export async function setLifetime(roomId: string, ms: number | null): Promise<void> {
  await client().sendStateEvent(roomId, "m.room.retention" as never, (ms === null ? {} : { max_lifetime: ms }) as never, "");
}

/** The times that a room can be given, within what the organisation allows, and the one that it has. */
export function lifetimes(policy: RetentionPolicy, own: number | null): number[] {
  const least = policy.retentionMinDays ?? 0;
  const most = policy.retentionMaxDays ?? Infinity;
  const days = [1, 7, 30, 90, 365, 1095, 2190, 3650, ...(policy.retentionMinDays === null ? [] : [least]), ...(most === Infinity ? [] : [most])].filter((d) => d >= least && d <= most);
  return [...new Set([...days.map((d) => d * day), ...(own === null ? [] : [own])])].sort((a, b) => a - b);
}

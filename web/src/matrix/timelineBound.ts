import type { MatrixClient } from "matrix-js-sdk";
import { SyncApi } from "matrix-js-sdk/lib/sync.js";
import type { Answer, Process } from "./syncParts.ts";

/*
 * The SDK keeps every event that arrives as long as the page is open. Here a room's timeline that has become long begins anew with the next events, as
 * it does after a gap in what the server sends: what is older is fetched again by whoever scrolls back.
 */

/** How many events a timeline has before it begins anew; one that is looked at at its end is drawn anew then, so it has more. */
const limits = { hidden: 300, shown: 1500 };

/** The timelines that somebody looks at, each with whether they look at its end. */
const shown = new Map<string, Set<() => boolean>>();

/** Says that a room's timeline is looked at, until the function that it gives is called. */
export function look(roomId: string, atEnd: () => boolean): () => void {
  const all = shown.get(roomId) ?? new Set();
  shown.set(roomId, all.add(atEnd));
  return () => {
    all.delete(atEnd);
    if (all.size === 0) shown.delete(roomId);
  };
}

/** Whether nobody has scrolled back in it to what would go. */
const mayBeginAnew = (roomId: string): boolean => [...(shown.get(roomId) ?? [])].every((atEnd) => atEnd());

/** How many events of a room the SDK has; -1 if it does not know the room. */
type Length = (roomId: string) => number;

/** The answer with a gap before what it says of rooms whose timelines are long. */
export function bounded(answer: Answer, length: Length): Answer {
  const long = Object.entries(answer.rooms?.join ?? {}).filter(([id, { timeline }]) => {
    if (!timeline?.events?.length || timeline.limited === true || typeof timeline.prev_batch !== "string") return false;
    return length(id) > (shown.has(id) ? limits.shown : limits.hidden) && mayBeginAnew(id);
  });
  if (long.length === 0) return answer;
  const join = { ...answer.rooms?.join, ...Object.fromEntries(long.map(([id, room]) => [id, { ...room, timeline: { ...room.timeline, limited: true } }])) };
  return { ...answer, rooms: { ...answer.rooms, join } };
}

/** After a gap the SDK may forget what was before it. */
export function forgetBeforeGaps(c: MatrixClient): void {
  c.setCanResetTimelineCallback(mayBeginAnew);
}

interface Inner {
  client: Pick<MatrixClient, "getRoom">;
}

const api = SyncApi.prototype as unknown as { processSyncResponse: Process };
const whole = api.processSyncResponse;
api.processSyncResponse = function (info, answer) {
  const { client } = this as unknown as Inner;
  return whole.call(this, info, bounded(answer, (id) => client.getRoom(id)?.getLiveTimeline().getEvents().length ?? -1));
};

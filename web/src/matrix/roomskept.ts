import { sealedStore } from "./outboxStore.ts";
import { state } from "./client.ts";
import type { RoomRow } from "./rooms.ts";

/*
 * The list of chats as it last was. The next start shows it at once, while the SDK still reads its rooms and the encryption opens its store; once
 * the server has said what is new, the live list takes its place. It has what people wrote last in plain words, so it is sealed as drafts are:
 * a locked app cannot open it, and what erases the device erases it.
 */
export interface KeptList {
  version: 1; // another one when rows get other fields
  me: { name: string; avatar: string | null };
  rows: RoomRow[];
  spaces: [id: string, space: { name: string; avatar: string | null; children: string[] }][];
}

/** Of more rooms than anybody scrolls through, the first are kept. */
const limit = 1000;
const store = sealedStore<KeptList>("rooms");
let kept: KeptList | null = null;

/** Reads what the last start left. The caller has made sure that the app is not locked. */
export async function loadKeptList(from = store): Promise<boolean> {
  const read = await from.load();
  kept = read?.version === 1 && Array.isArray(read.rows) && read.rows.length > 0 ? read : null;
  return kept !== null;
}

/** The list that stands for the live one as long as the live one is not complete; null once it is, or if nothing was kept. */
export function keptList(): KeptList | null {
  const { phase, caughtUp } = state.getState();
  if (caughtUp || (phase !== "starting" && phase !== "ready")) kept = null;
  return kept;
}

/** A chat of that list. */
export const keptRow = (roomId: string): RoomRow | undefined => keptList()?.rows.find((r) => r.id === roomId);

/** Keeps the list for the next start. */
export function keepList(list: Omit<KeptList, "version">, to = store): Promise<void> {
  return to.save({ version: 1, ...list, rows: list.rows.slice(0, limit) });
}

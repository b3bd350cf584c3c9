import { SetPresence, UserEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

export interface Presence {
  state: "online" | "away" | "offline" | "unknown";
  status: string; // the person's own words
  lastActive: number; // milliseconds, 0 if not known
}

const nothing: Presence = { state: "unknown", status: "", lastActive: 0 };
const states: Record<string, Presence["state"]> = { online: "online", unavailable: "away", offline: "offline" };
const chosenKey = "conclave.presence";

/** Whether a person is there. */
export function usePresence(userId: string | null): Presence {
  return useView(
    `presence ${userId ?? ""}`,
    () => [[client(), [UserEvent.Presence, UserEvent.CurrentlyActive]]],
    () => {
      const user = userId ? client().getUser(userId) : null;
      if (user === null || user.events.presence === undefined) return nothing;
      return { state: states[user.presence] ?? "unknown", status: user.presenceStatusMsg ?? "", lastActive: Math.max(0, user.getLastActiveTs()) };
    },
    // Seconds do not matter: who looks sees minutes.
    (a, b) => a.state === b.state && a.status === b.status && Math.abs(a.lastActive - b.lastActive) < 60_000,
  );
}

export type OwnPresence = "online" | "away" | "offline";
const wire: Record<OwnPresence, SetPresence> = { online: SetPresence.Online, away: SetPresence.Unavailable, offline: SetPresence.Offline };

/** What this device tells of its user. */
export function ownPresence(): OwnPresence {
  const kept = localStorage.getItem(chosenKey);
  return kept === "away" || kept === "offline" ? kept : "online";
}

/** Lets others see the user as there, away or not there, with own words. It holds in this browser until it is changed. */
export async function setOwnPresence(state: OwnPresence, status?: string): Promise<void> {
  localStorage.setItem(chosenKey, state);
  await client().setSyncPresence(wire[state]);
  await client().setPresence({ presence: wire[state], ...(status === undefined ? {} : { status_msg: status }) });
}

/** What was chosen before holds after a restart too. */
export function resumePresence(): void {
  const state = ownPresence();
  if (state !== "online") void client().setSyncPresence(wire[state]).catch(() => undefined);
}

import { ClientEvent, RoomStateEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** Whether a person belongs to another organisation: their server is not ours. */
export function isExternal(userId: string, home: string = client().getDomain() ?? ""): boolean {
  const at = userId.indexOf(":");
  return at > 0 && userId.slice(at + 1) !== home;
}

/** That a room is recorded, as its state says; null if it is not. */
export interface Recording {
  text: string; // the policy in one sentence, "" if the state names none
  officers: string[]; // the names of who may unseal
  url: string; // where the policy is to be read, "" if nowhere
  via: string; // the policy server
  receipts: boolean; // who has read what is recorded too
}

const text = (v: unknown): string => (typeof v === "string" ? v.trim() : "");

/** Reads a room's policy. Spec: cs#policy-servers; what is not of the specification stands under our own key. */
export function recordingOf(content: Record<string, unknown>): Recording | null {
  const via = text(content.via);
  const own = (typeof content["chat.conclave.recording"] === "object" && content["chat.conclave.recording"] !== null ? content["chat.conclave.recording"] : {}) as Record<string, unknown>;
  if (via === "") return null;
  const officers = Array.isArray(own.officers) ? own.officers.map(text).filter((o) => o !== "").slice(0, 20) : [];
  const url = text(own.url);
  return { text: text(own.text).slice(0, 400), officers, url: /^https:\/\//.test(url) ? url : "", via, receipts: own.receipts === true };
}

export interface RoomRules {
  recording: Recording | null;
}

/** What the organisation says about a room. */
export function useRoomRules(roomId: string): RoomRules {
  return useView(
    `rules ${roomId}`,
    () => [[client(), [ClientEvent.Room, RoomStateEvent.Events]]],
    () => {
      const state = client().getRoom(roomId)?.currentState;
      const content = (type: string): Record<string, unknown> => state?.getStateEvents(type, "")?.getContent() ?? {};
      return { recording: recordingOf(content("m.room.policy")) };
    },
    (a, b) => JSON.stringify(a) === JSON.stringify(b),
  );
}

import { ClientEvent, ConditionKind, type IPushRule, PushRuleActionName, PushRuleKind, TweakName } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** What a room may say by itself: as the user's own settings have it, everything with a sound, mentions only, nothing. */
export type NotifyLevel = "default" | "all" | "mentions" | "mute";
export const notifyLevels: readonly NotifyLevel[] = ["default", "all", "mentions", "mute"];

const muteId = (roomId: string): string => roomId; // an override rule of the room's name, as other clients have it

function isMute(r: IPushRule, roomId: string): boolean {
  return r.enabled && r.conditions?.length === 1 && r.conditions[0]?.kind === ConditionKind.EventMatch && r.conditions[0].key === "room_id"
    && r.conditions[0].pattern === roomId && !r.actions.includes(PushRuleActionName.Notify);
}

/** Reads the level out of the push rules. */
export function notifyLevel(roomId: string): NotifyLevel {
  const rules = client().pushRules?.global;
  if (rules?.override?.some((r) => isMute(r, roomId))) return "mute";
  const own = rules?.room?.find((r) => r.rule_id === roomId && r.enabled);
  if (!own) return "default";
  return own.actions.includes(PushRuleActionName.Notify) ? "all" : "mentions";
}

export function useNotifyLevel(roomId: string): NotifyLevel {
  return useView(`level ${roomId}`, () => [[client(), [ClientEvent.AccountData]]], () => notifyLevel(roomId));
}

/** Changes the level. The rules of the old one go first, so that never two speak for the room. */
export async function setNotifyLevel(roomId: string, level: NotifyLevel): Promise<void> {
  const c = client();
  const rules = c.pushRules?.global;
  for (const r of rules?.override ?? []) if (isMute(r, roomId)) await c.deletePushRule("global", PushRuleKind.Override, r.rule_id);
  if (rules?.room?.some((r) => r.rule_id === roomId)) await c.deletePushRule("global", PushRuleKind.RoomSpecific, roomId);
  if (level === "mute") {
    await c.addPushRule("global", PushRuleKind.Override, muteId(roomId), {
      conditions: [{ kind: ConditionKind.EventMatch, key: "room_id", pattern: roomId }],
      actions: [],
    });
  } else if (level !== "default") {
    const loud = [PushRuleActionName.Notify, { set_tweak: TweakName.Sound, value: "default" }] as const;
    await c.addPushRule("global", PushRuleKind.RoomSpecific, roomId, { actions: level === "all" ? [...loud] : [] });
  }
}

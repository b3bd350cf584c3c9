import { ClientEvent, type IPushRule, type IPushRules, type PushRuleAction, PushRuleActionName, PushRuleKind, RuleId, TweakName } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

/** What the account's push rules say, in the terms of the settings page. */
export interface NotificationRules {
  /** Nothing notifies, whatever the rest says. */
  paused: boolean;
  direct: boolean;
  rooms: boolean;
  mentions: boolean;
  everyone: boolean;
  invites: boolean;
  keywords: string[];
}

export type NotificationSwitch = Exclude<keyof NotificationRules, "keywords">;

interface Rule {
  kind: PushRuleKind;
  id: RuleId;
}

/*
 * Rules for messages stay enabled and lose their action, because the next rule would match instead: without the rule for direct chats
 * the one for rooms counts. The others are disabled, so that a mention is then a message like any other.
 */
const byAction: Record<"direct" | "rooms", Rule[]> = {
  direct: [
    { kind: PushRuleKind.Underride, id: RuleId.DM },
    { kind: PushRuleKind.Underride, id: RuleId.EncryptedDM },
  ],
  rooms: [
    { kind: PushRuleKind.Underride, id: RuleId.Message },
    { kind: PushRuleKind.Underride, id: RuleId.EncryptedMessage },
  ],
};
const byEnabled: Record<"paused" | "mentions" | "everyone" | "invites", Rule[]> = {
  paused: [{ kind: PushRuleKind.Override, id: RuleId.Master }],
  mentions: [
    { kind: PushRuleKind.Override, id: RuleId.IsUserMention },
    { kind: PushRuleKind.Override, id: RuleId.ContainsDisplayName },
    { kind: PushRuleKind.ContentSpecific, id: RuleId.ContainsUserName },
  ],
  everyone: [
    { kind: PushRuleKind.Override, id: RuleId.IsRoomMention },
    { kind: PushRuleKind.Override, id: RuleId.AtRoomNotification },
  ],
  invites: [{ kind: PushRuleKind.Override, id: RuleId.InviteToSelf }],
};

const loud: PushRuleAction[] = [PushRuleActionName.Notify, { set_tweak: TweakName.Sound, value: "default" }];
const highlight: PushRuleAction[] = [...loud, { set_tweak: TweakName.Highlight }];

const find = (rules: IPushRules | null, r: Rule): IPushRule | undefined => rules?.global[r.kind]?.find((x) => x.rule_id === r.id);

/** Reads the rules. */
export function readRules(rules: IPushRules | null): NotificationRules {
  const notifies = (list: Rule[]) => list.map((r) => find(rules, r)).some((r) => r?.enabled && r.actions.includes(PushRuleActionName.Notify));
  const enabled = (list: Rule[]) => list.map((r) => find(rules, r)).some((r) => r?.enabled);
  return {
    paused: enabled(byEnabled.paused),
    direct: notifies(byAction.direct),
    rooms: notifies(byAction.rooms),
    mentions: enabled(byEnabled.mentions),
    everyone: enabled(byEnabled.everyone),
    invites: enabled(byEnabled.invites),
    keywords: (rules?.global.content ?? []).filter((r) => !r.default && r.enabled && r.pattern).map((r) => r.pattern as string),
  };
}

/** The account's rules, as they are on all devices. */
export const useNotificationRules = (): NotificationRules =>
  useView(
    "push rules",
    () => [[client(), [ClientEvent.AccountData]]],
    () => readRules(client().pushRules ?? null),
    (a, b) => JSON.stringify(a) === JSON.stringify(b),
  );

export async function setNotification(name: NotificationSwitch, on: boolean): Promise<void> {
  const c = client();
  if (name === "direct" || name === "rooms") {
    for (const r of byAction[name]) {
      if (find(c.pushRules ?? null, r) === undefined) continue;
      await c.setPushRuleActions("global", r.kind, r.id, on ? (name === "direct" ? loud : [PushRuleActionName.Notify]) : []);
      if (on) await c.setPushRuleEnabled("global", r.kind, r.id, true);
    }
    return;
  }
  for (const r of byEnabled[name]) {
    if (find(c.pushRules ?? null, r) !== undefined) await c.setPushRuleEnabled("global", r.kind, r.id, on);
  }
}

/** Makes these words, and no others, notify like a mention. */
export async function setKeywords(words: string[]): Promise<void> {
  const c = client();
  const own = (c.pushRules?.global.content ?? []).filter((r) => !r.default);
  for (const r of own) {
    if (!words.includes(r.pattern ?? "")) await c.deletePushRule("global", PushRuleKind.ContentSpecific, r.rule_id);
  }
  for (const w of words) {
    const kept = own.find((r) => r.pattern === w);
    if (kept === undefined) await c.addPushRule("global", PushRuleKind.ContentSpecific, w, { actions: highlight, pattern: w });
    else if (!kept.enabled) await c.setPushRuleEnabled("global", PushRuleKind.ContentSpecific, kept.rule_id, true);
  }
}

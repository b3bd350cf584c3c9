/** One sentence about a change of the room: the name of a text in the timeline's texts (`state.NAME`) and what is filled in. */
export interface Words {
  name: string;
  values: Record<string, string>;
}

/** The part of an event of the SDK that is read here. */
export interface StateEvent {
  getType(): string;
  getSender(): string | undefined;
  getStateKey(): string | undefined;
  getContent(): Record<string, unknown>;
  getPrevContent(): Record<string, unknown>;
}

type Namer = (userId: string) => string;
const text = (v: unknown): string => (typeof v === "string" ? v : "");
const list = (v: unknown): string[] => (Array.isArray(v) ? v.filter((x): x is string => typeof x === "string") : []);
const object = (v: unknown): Record<string, unknown> => (typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {});

function memberWords(e: StateEvent, name: Namer): Words[] {
  const user = e.getStateKey() ?? "";
  const sender = e.getSender() ?? "";
  const [now, before] = [e.getContent(), e.getPrevContent()];
  const [membership, was] = [text(now.membership), text(before.membership) || "leave"];
  const whom = text(now.displayname) || text(before.displayname) || name(user);
  const reason = text(now.reason);
  const say = (key: string): Words[] => [{ name: reason === "" ? key : `${key}Because`, values: { who: name(sender), whom, ...(reason === "" ? {} : { reason }) } }];
  switch (membership) {
    case "invite":
      return say("invited");
    case "knock":
      return say("knocked");
    case "ban":
      return say("banned");
    case "join":
      return was === "join" ? profileWords(user, before, now, name) : [{ name: "joined", values: { whom } }];
    case "leave":
      if (sender === user) return was === "invite" ? say("rejected") : was === "knock" ? say("withdrewKnock") : say("left");
      if (was === "ban") return say("unbanned");
      if (was === "invite") return say("withdrawn");
      if (was === "knock") return say("knockDenied");
      return say("removed");
    default:
      return [];
  }
}

function profileWords(user: string, before: Record<string, unknown>, now: Record<string, unknown>, name: Namer): Words[] {
  const [old, fresh] = [text(before.displayname), text(now.displayname)];
  if (old !== fresh) {
    if (old === "") return [{ name: "namedSelf", values: { old: user, fresh } }];
    return fresh === "" ? [{ name: "unnamedSelf", values: { old } }] : [{ name: "renamedSelf", values: { old, fresh } }];
  }
  if (text(before.avatar_url) !== text(now.avatar_url)) return [{ name: "pictureSelf", values: { whom: fresh || name(user) } }];
  return [];
}

function powerWords(e: StateEvent, who: string, name: Namer): Words[] {
  const [now, before] = [object(e.getContent().users), object(e.getPrevContent().users)];
  const usual = (c: Record<string, unknown>) => Number(c.users_default ?? 0);
  const changed = [...new Set([...Object.keys(now), ...Object.keys(before)])]
    .map((user) => ({ user, from: Number(before[user] ?? usual(e.getPrevContent())), to: Number(now[user] ?? usual(e.getContent())) }))
    .filter(({ from, to }) => from !== to);
  if (changed.length === 0) return Object.keys(e.getPrevContent()).length === 0 ? [] : [{ name: "powers", values: { who } }];
  return changed.map(({ user, to }) => ({ name: to >= 100 ? "powerAdmin" : to >= 50 ? "powerModerator" : to > usual(e.getContent()) ? "powerLevel" : to < 0 ? "powerMuted" : "powerMember", values: { who, whom: name(user), ...(to > usual(e.getContent()) && to < 50 ? { level: String(to) } : {}) } }));
}

function pinWords(e: StateEvent, who: string): Words[] {
  const [now, before] = [list(e.getContent().pinned), list(e.getPrevContent().pinned)];
  if (now.some((id) => !before.includes(id))) return [{ name: "pinned", values: { who } }];
  return before.some((id) => !now.includes(id)) ? [{ name: "unpinned", values: { who } }] : [];
}

const set = (named: string, removed: string) => (value: string, who: string, was: string): Words[] => {
  if (value === was) return [];
  return [value === "" ? { name: removed, values: { who } } : { name: named, values: { who, value } }];
};
const roomName = set("name", "nameRemoved");
const topic = set("topic", "topicRemoved");
const alias = set("alias", "aliasRemoved");

const joinRules: Record<string, string> = { public: "joinPublic", invite: "joinInvite", knock: "joinKnock", restricted: "joinRestricted", knock_restricted: "joinRestricted" };
const visibilities: Record<string, string> = { invited: "historyInvited", joined: "historyJoined", shared: "historyShared", world_readable: "historyWorld" };

/** Puts a state event into plain words; none if readers need not know of it. */
export function stateWords(e: StateEvent, name: Namer): Words[] {
  const who = name(e.getSender() ?? "");
  const [now, before] = [e.getContent(), e.getPrevContent()];
  const one = (key: string | undefined, values: Record<string, string> = {}): Words[] => (key === undefined ? [] : [{ name: key, values: { who, ...values } }]);
  switch (e.getType()) {
    case "m.room.create":
      return one("created");
    case "m.room.member":
      return memberWords(e, name);
    case "m.room.name":
      return roomName(text(now.name), who, text(before.name));
    case "m.room.topic":
      return topic(text(now.topic), who, text(before.topic));
    case "m.room.avatar":
      return one(text(now.url) === "" ? "pictureRemoved" : "picture");
    case "m.room.canonical_alias":
      return alias(text(now.alias), who, text(before.alias));
    case "m.room.join_rules":
      return text(now.join_rule) === text(before.join_rule) ? [] : one(joinRules[text(now.join_rule)]);
    case "m.room.history_visibility":
      return text(now.history_visibility) === text(before.history_visibility) ? [] : one(visibilities[text(now.history_visibility)]);
    case "m.room.guest_access":
      return [];
    case "m.room.encryption":
      return one("encryption");
    case "m.room.pinned_events":
      return pinWords(e, who);
    case "m.room.tombstone":
      return one("upgraded");
    case "m.room.power_levels":
      return powerWords(e, who, name);
    case "m.room.retention": {
      const days = typeof now.max_lifetime === "number" ? Math.ceil(now.max_lifetime / 86_400_000) : 0;
      return days > 0 ? one("retention", { days: String(days) }) : one("retentionOff");
    }
    case "m.room.policy":
      return one(Object.keys(now).length === 0 ? "policyOff" : "policy");
    default:
      return one("other", { type: e.getType() });
  }
}

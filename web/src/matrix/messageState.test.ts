import { describe, expect, test } from "vitest";
import { type StateEvent, stateWords } from "./messageState.ts";

const names: Record<string, string> = { "@anna:x": "Anna", "@bob:x": "Bob" };
const event = (type: string, content: object, before: object = {}, sender = "@anna:x", stateKey = ""): StateEvent => ({
  getType: () => type, getSender: () => sender, getStateKey: () => stateKey, getContent: () => content as Record<string, unknown>, getPrevContent: () => before as Record<string, unknown>,
});
const words = (...a: Parameters<typeof event>) => stateWords(event(...a), (id) => names[id] ?? id);
const member = (now: object, before: object, sender = "@anna:x") => words("m.room.member", now, before, sender, "@bob:x").map((w) => w.name);

describe("changes of membership", () => {
  test.each([
    ["joined", { membership: "join" }, { membership: "invite" }, "@bob:x"],
    ["invited", { membership: "invite" }, {}, "@anna:x"],
    ["left", { membership: "leave" }, { membership: "join" }, "@bob:x"],
    ["rejected", { membership: "leave" }, { membership: "invite" }, "@bob:x"],
    ["withdrawn", { membership: "leave" }, { membership: "invite" }, "@anna:x"],
    ["removed", { membership: "leave" }, { membership: "join" }, "@anna:x"],
    ["removedBecause", { membership: "leave", reason: "spam" }, { membership: "join" }, "@anna:x"],
    ["banned", { membership: "ban" }, { membership: "join" }, "@anna:x"],
    ["unbanned", { membership: "leave" }, { membership: "ban" }, "@anna:x"],
    ["knocked", { membership: "knock" }, {}, "@bob:x"],
    ["knockDenied", { membership: "leave" }, { membership: "knock" }, "@anna:x"],
    ["withdrewKnock", { membership: "leave" }, { membership: "knock" }, "@bob:x"],
    ["renamedSelf", { membership: "join", displayname: "B" }, { membership: "join", displayname: "Bob" }, "@bob:x"],
    ["namedSelf", { membership: "join", displayname: "B" }, { membership: "join" }, "@bob:x"],
    ["unnamedSelf", { membership: "join" }, { membership: "join", displayname: "Bob" }, "@bob:x"],
    ["pictureSelf", { membership: "join", avatar_url: "mxc://x/y" }, { membership: "join" }, "@bob:x"],
  ])("%s", (name, now, before, sender) => {
    expect(member(now, before, sender)).toEqual([name]);
  });

  test("nothing is said where nothing changed", () => {
    expect(member({ membership: "join", displayname: "Bob" }, { membership: "join", displayname: "Bob" }, "@bob:x")).toEqual([]);
  });

  test("names and reasons are filled in", () => {
    expect(words("m.room.member", { membership: "ban", reason: "spam" }, { membership: "join" }, "@anna:x", "@bob:x")).toEqual([{ name: "bannedBecause", values: { who: "Anna", whom: "Bob", reason: "spam" } }]);
  });
});

describe("changes of the room", () => {
  test.each([
    ["name", "m.room.name", { name: "Team" }, {}],
    ["nameRemoved", "m.room.name", {}, { name: "Team" }],
    ["topic", "m.room.topic", { topic: "all" }, {}],
    ["encryption", "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" }, {}],
    ["upgraded", "m.room.tombstone", { replacement_room: "!y" }, {}],
    ["pinned", "m.room.pinned_events", { pinned: ["$1", "$2"] }, { pinned: ["$1"] }],
    ["unpinned", "m.room.pinned_events", { pinned: [] }, { pinned: ["$1"] }],
    ["joinPublic", "m.room.join_rules", { join_rule: "public" }, { join_rule: "invite" }],
    ["historyJoined", "m.room.history_visibility", { history_visibility: "joined" }, { history_visibility: "shared" }],
    ["powerModerator", "m.room.power_levels", { users: { "@bob:x": 50 } }, { users: {} }],
    ["powerMember", "m.room.power_levels", { users: {} }, { users: { "@bob:x": 100 } }],
    ["powerMuted", "m.room.power_levels", { users: { "@bob:x": -1 } }, { users: {} }],
    ["powers", "m.room.power_levels", { ban: 100, users: {} }, { ban: 50, users: {} }],
    ["retention", "m.room.retention", { max_lifetime: 2_592_000_000 }, {}],
    ["other", "org.example.custom", { any: "thing" }, {}],
  ])("%s", (name, type, now, before) => {
    expect(words(type, now, before).map((w) => w.name)).toEqual([name]);
  });

  test("content that is not what it should be does no harm", () => {
    for (const type of ["m.room.name", "m.room.topic", "m.room.pinned_events", "m.room.power_levels", "m.room.member", "m.room.join_rules"]) {
      for (const content of [{ name: 1, topic: [], pinned: "x", users: 7, membership: {}, join_rule: null }]) expect(() => words(type, content, content)).not.toThrow();
    }
  });
});

import { describe, expect, test } from "vitest";
import { isExternal, recordingOf } from "./company.ts";
import { aliasFor } from "./create.ts";
import { readTarget } from "./directory.ts";
import { byRoleAndName, isLastAdmin, type Member, roleOf } from "./members.ts";
import { flat, tree } from "./spaces.ts";

const member = (id: string, power = 0, more: Partial<Member> = {}): Member => ({ id, name: id, avatar: null, membership: "join", role: roleOf(power), power, reason: "", ...more });

describe("roles", () => {
  test("follow the power levels that clients agree on, and the creators of version 12", () => {
    expect([Infinity, 150, 100, 99, 50, 49, 0, -1].map(roleOf)).toEqual(["owner", "admin", "admin", "moderator", "moderator", "member", "member", "member"]);
  });
  test("order the members, who asks comes first and who is banned last", () => {
    const list = [member("z", 100), member("b"), member("a"), member("o", Infinity), member("x", 0, { membership: "ban" }), member("k", 0, { membership: "knock" })];
    expect(list.sort(byRoleAndName).map((m) => m.id)).toEqual(["k", "o", "z", "a", "b", "x"]);
  });
  test("know the last admin, who is not alone", () => {
    expect(isLastAdmin([member("me", 100), member("b", 50)], "me")).toBe(true);
    expect(isLastAdmin([member("me", 100), member("b", 100)], "me")).toBe(false);
    expect(isLastAdmin([member("me", 100), member("b", 100, { membership: "invite" })], "me")).toBe(true);
    expect(isLastAdmin([member("me", 100)], "me")).toBe(false);
    expect(isLastAdmin([member("me", 0), member("b", 100)], "me")).toBe(false);
  });
});

describe("links", () => {
  const room = (id: string, via: string[] = [], event = "") => ({ kind: "room", id, via, event });
  test.each([
    ["#team:example.org", room("#team:example.org")],
    ["!abc", room("!abc")],
    ["https://matrix.to/#/%23team%3Aexample.org", room("#team:example.org")],
    ["https://matrix.to/#/!abc:example.org/$ev?via=a.org&via=b.org", room("!abc:example.org", ["a.org", "b.org"], "$ev")],
    ["matrix:r/team:example.org", room("#team:example.org")],
    ["matrix:roomid/abc:example.org/e/ev?via=a.org", room("!abc:example.org", ["a.org"], "$ev")],
    ["matrix:u/ann:example.org?action=chat", { kind: "person", id: "@ann:example.org", via: [], event: "" }],
    ["https://chat.example/room/!abc%3Aexample.org?event=%24ev", room("!abc:example.org", [], "$ev")],
    ["https://example.org/", null],
    ["team", null],
  ])("%s", (text, want) => expect(readTarget(text, "https://chat.example")).toEqual(want));
});

test("addresses are made from names", () => {
  expect(aliasFor(" Größe & Wärme: Büro 3! ")).toBe("grosse-warme-buro-3");
});

describe("spaces", () => {
  const s = (...children: string[]) => ({ name: "", avatar: null, children });
  const shape = (m: [string, ReturnType<typeof s>][]) => flat(tree(new Map(m))).map(({ space, depth }) => `${depth}${space.id}`);
  test("are a tree, with the rooms of the inner ones in the outer", () => {
    const t = tree(new Map([["!company", s("!sales", "!lobby")], ["!sales", s("!deals")]]));
    expect(t.map((x) => x.id)).toEqual(["!company"]);
    expect([...(t[0]?.rooms ?? [])].sort()).toEqual(["!deals", "!lobby"]);
  });
  test("in a ring are shown all the same, and end", () => {
    expect(shape([["!a", s("!b")], ["!b", s("!a")]])).toEqual(["0!a", "1!b"]);
    expect(shape([["!a", s("!a")]])).toEqual(["0!a"]);
  });
  test("may stand in two others", () => {
    expect(shape([["!a", s("!c")], ["!b", s("!c")], ["!c", s()]])).toEqual(["0!a", "1!c", "0!b", "1!c"]);
  });
});

describe("the organisation", () => {
  test("calls people of other servers external", () => {
    expect(isExternal("@a:home.org", "home.org")).toBe(false);
    expect(isExternal("@a:home.org.evil", "home.org")).toBe(true);
    expect(isExternal("@a:home.org:8448", "home.org")).toBe(true);
  });
  test("has a room recorded where its state names a policy server", () => {
    expect(recordingOf({})).toBeNull();
    expect(recordingOf({ via: "rec.home.org" })).toEqual({ via: "rec.home.org", text: "", officers: [], url: "", receipts: false });
    const own = { receipts: true, text: "Recorded under MiFID II.", officers: ["Ann", 3, ""], url: "javascript:alert(1)" };
    expect(recordingOf({ via: "rec.home.org", "chat.conclave.recording": own })).toEqual({ via: "rec.home.org", text: "Recorded under MiFID II.", officers: ["Ann"], url: "", receipts: true });
  });
});

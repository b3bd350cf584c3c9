import { expect, test } from "vitest";
import { changersOf, levelFor } from "./changers.ts";

// What createRoom's private_chat gives. Spec: cs#post_matrixclientv3createroom and cs#mroompower_levels
const levels = { events: { "m.room.name": 50, "m.room.history_visibility": 100, "m.room.encryption": 100 }, state_default: 50 };
const people = [{ name: "Olga", power: Infinity }, { name: "Ada", power: 100 }, { name: "Max", power: 50 }, { name: "Ben", power: 0 }];

test("what a room does not say takes the level of state", () => {
  expect(levelFor(levels, "m.room.name")).toBe(50);
  expect(levelFor(levels, "m.room.history_visibility")).toBe(100);
  expect(levelFor(levels, "m.room.retention")).toBe(50);
  expect(levelFor({ state_default: 70 }, "m.room.topic")).toBe(70);
  expect(levelFor({}, "m.room.topic")).toBe(50);
  expect(levelFor(undefined, "m.room.topic")).toBe(0);
});

test("settings stand together where the same people may change them", () => {
  expect(changersOf(levels, ["name", "history", "topic", "encryption"], people)).toEqual([
    { settings: ["name", "topic"], role: "moderator", names: ["Olga", "Ada", "Max"] },
    { settings: ["history", "encryption"], role: "admin", names: ["Olga", "Ada"] },
  ]);
});

test("beyond an admin's level only the owner may, and nobody where there is none", () => {
  expect(changersOf({ events: { "m.room.name": 150 } }, ["name"], people)).toEqual([{ settings: ["name"], role: "owner", names: ["Olga"] }]);
  expect(changersOf({ events: { "m.room.name": 150 } }, ["name"], people.slice(1))).toEqual([{ settings: ["name"], role: "owner", names: [] }]);
});

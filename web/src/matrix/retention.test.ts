import { describe, expect, it } from "vitest";
import { maxAge, ownLifetime, spellAge } from "./retention.ts";

const day = 86_400_000;
const policy = (days: number | null, min: number | null = null, max: number | null = null) => ({ retentionDays: days, retentionMinDays: min, retentionMaxDays: max });

describe("how long messages are kept", () => {
  it("takes a room's own word if it is a positive number", () => {
    expect(ownLifetime({ max_lifetime: 1000 })).toBe(1000);
    for (const c of [undefined, {}, { max_lifetime: 0 }, { max_lifetime: -1 }, { max_lifetime: "7" }, { max_lifetime: null }]) expect(ownLifetime(c)).toBeNull();
  });
  it.each([
    [null, policy(null), null],
    [null, policy(30), 30 * day],
    [7 * day, policy(null), 7 * day],
    [60 * day, policy(30), 60 * day], // a room may say more where nothing bounds it
    [60 * day, policy(30, 1, 45), 45 * day],
    [1000, policy(30, 1, 45), day],
    [null, policy(null, 1, 45), null],
  ])("%s under %o is %s", (own, p, want) => expect(maxAge(own, p)).toBe(want));
  it.each([
    [365 * day, "year", 1],
    [730 * day, "year", 2],
    [14 * day, "week", 2],
    [7 * day, "day", 7],
    [30 * day, "day", 30],
    [364 * day, "week", 52],
    [day, "day", 1],
    [3_600_000, "hour", 1],
    [90_000, "minute", 2],
    [400, "second", 1],
  ])("%s ms are %s %s", (ms, unit, count) => expect(spellAge(ms)).toEqual({ unit, count }));
});

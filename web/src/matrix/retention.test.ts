import { describe, expect, it } from "vitest";
import { isExpired, lifetimes, maxAge, ownLifetime, spellAge, untilExpired } from "./retention.ts";

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
  it("takes for expired what is a message, sent, and old enough", () => {
    const event = (ts: number, state = false, status: string | null = null) => ({ getTs: () => ts, isState: () => state, status }) as never;
    expect(isExpired(event(0), 100, 99)).toBe(false);
    expect(isExpired(event(0), 100, 100)).toBe(true);
    expect(isExpired(event(0, true), 100, 500)).toBe(false);
    expect(isExpired(event(0, false, "queued"), 100, 500)).toBe(false);
    expect(isExpired(event(0), null, 500)).toBe(false);
    expect(untilExpired([event(0), event(600), event(900), event(100, true)], 1000, 1000)).toBe(600);
    expect(untilExpired([event(0)], 1000, 1000)).toBeNull();
    expect(untilExpired([event(0)], 1e12, 1000)).toBe(2 ** 31 - 1);
  });
  it("offers times within the bounds, and the one that there is", () => {
    expect(lifetimes(policy(null, 7, 90), null)).toEqual([7 * day, 30 * day, 90 * day]);
    expect(lifetimes(policy(null, 10, 20), null)).toEqual([10 * day, 20 * day]);
    expect(lifetimes(policy(30), 5000)[0]).toBe(5000);
  });
});

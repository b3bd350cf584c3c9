import { beforeEach, expect, test } from "vitest";
import { databaseKey, eraseDatabases } from "./vault.ts";
import { isLocked, lockVault, noteActivity, sealWithPassword, setIdleMinutes, unlockVault } from "./vault-lock.ts";

beforeEach(eraseDatabases);

test("what is locked opens by the password alone, to the same key", async () => {
  const key = await databaseKey(true);
  await sealWithPassword("right");
  expect(isLocked()).toBe(false);
  await lockVault();
  expect(isLocked()).toBe(true);
  expect(await databaseKey(false)).toBeNull();
  expect(await unlockVault("wrong")).toBe(false);
  expect(await databaseKey(false)).toBeNull();
  expect(await unlockVault("right")).toBe(true);
  expect(isLocked()).toBe(false);
  expect(await databaseKey(false)).toEqual(key);
}, 60_000);

test("the organisation's minutes decide when an unused app is locked", async () => {
  await databaseKey(true);
  noteActivity(1_000_000);
  expect(isLocked(1_000_000 + 60 * 60_000)).toBe(false);
  setIdleMinutes(5);
  expect(isLocked(1_000_000 + 5 * 60_000 - 1)).toBe(false);
  expect(isLocked(1_000_000 + 5 * 60_000)).toBe(true);
  setIdleMinutes(null);
  expect(isLocked(1_000_000 + 5 * 60_000)).toBe(false);
});

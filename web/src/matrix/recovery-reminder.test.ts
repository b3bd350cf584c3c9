import { expect, test } from "vitest";
import { pause, reminderDue } from "./recovery-reminder.ts";
import type { RecoveryRecord } from "./recovery-record.ts";

const record = (kept: boolean): RecoveryRecord => ({ at: 0, deviceId: "A", deviceName: "", kept });
const now = Date.UTC(2026, 0, 10);
const hour = 3_600_000;

test("reminds only where this app made a recovery key that nobody kept", () => {
  expect(reminderDue(record(false), undefined, now)).toBe(true);
  expect(reminderDue(record(true), undefined, now)).toBe(false);
  expect(reminderDue(null, undefined, now)).toBe(false);
});

test("rests for three days after “later”, and comes back", () => {
  const notBefore = now + pause;
  expect(reminderDue(record(false), notBefore, now)).toBe(false);
  expect(reminderDue(record(false), notBefore, now + 71 * hour)).toBe(false);
  expect(reminderDue(record(false), notBefore, now + 72 * hour)).toBe(true);
});

test("nothing puts it off for longer or for good", () => {
  for (const odd of [now + 30 * 24 * hour, Infinity, NaN, "never", true, null, {}]) expect(reminderDue(record(false), odd, now), String(odd)).toBe(true);
});

import { expect, test } from "vitest";
import { newest, type SecurityEvent } from "./security.ts";

const event = (seq: number, action: string, more: Partial<SecurityEvent> = {}): SecurityEvent => ({ seq, time: seq, action, device: "OTHER", ...more });

test("a device tells of grave acts of other devices, once, and of none from before it", () => {
  const list = [event(5, "device.signed_in"), event(4, "recovery_key.changed"), event(3, "identity.reset")];
  expect(newest(list, null, "ME")).toBeNull();
  expect(newest(list, 2, "ME")?.seq).toBe(4);
  expect(newest(list, 4, "ME")).toBeNull();
  expect(newest([event(4, "recovery_key.changed", { device: "ME" })], 1, "ME")).toBeNull();
  expect(newest([event(4, "recovery_key.removed", { device: "", actor: "server" })], 1, "ME")?.seq).toBe(4);
});

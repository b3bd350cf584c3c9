import { DecryptionFailureCode } from "matrix-js-sdk/lib/crypto-api/index.js";
import { expect, test } from "vitest";
import en from "../timeline/en.json";
import { unreadable } from "./messageUnreadable.ts";

test("every reason of the SDK has a kind and a text of its cause", () => {
  for (const code of Object.values(DecryptionFailureCode)) {
    const { kind, cause } = unreadable(code);
    expect(["waiting", "before", "withheld"]).toContain(kind);
    expect(en.cause[cause], code).toBeTruthy();
  }
});

test.each([
  ["MEGOLM_UNKNOWN_INBOUND_SESSION_ID", "waiting", false],
  ["HISTORICAL_MESSAGE_WORKING_BACKUP", "waiting", false],
  ["HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED", "before", true],
  ["HISTORICAL_MESSAGE_NO_KEY_BACKUP", "before", true],
  ["HISTORICAL_MESSAGE_USER_NOT_JOINED", "before", false],
  ["MEGOLM_KEY_WITHHELD", "withheld", false],
  ["MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE", "withheld", true],
  ["UNSIGNED_SENDER_DEVICE", "withheld", false],
])("%s is shown as %s; something can be done about it: %s", (code, kind, repair) => {
  expect(unreadable(code)).toMatchObject({ kind, repair });
});

test("while it is tried, it waits", () => {
  expect(unreadable(null).kind).toBe("waiting");
});

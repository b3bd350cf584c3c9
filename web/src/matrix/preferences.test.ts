import { expect, test } from "vitest";
import { defaultPreferences, readPreferences } from "./preferences.ts";

test("what was not chosen, or was written wrongly, is as it is by default", () => {
  expect(readPreferences({})).toEqual(defaultPreferences);
  expect(readPreferences({ send_with: 3, read_receipts: "nobody", typing: "no", notification_content: [] })).toEqual(defaultPreferences);
});

test("what was chosen counts", () => {
  expect(readPreferences({ send_with: "ctrl_enter", read_receipts: "private", typing: false, notification_content: false })).toEqual({
    sendWith: "ctrl-enter", readReceipts: "private", typing: false, notificationContent: false,
  });
});

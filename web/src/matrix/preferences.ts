import { accountData, changeAccountData, useAccountData } from "./accountdata.ts";

/** What the user chose about writing and being seen; it goes with the account to every device. */
export interface Preferences {
  /** Which key sends a message; the other makes a new line. */
  sendWith: "enter" | "ctrl-enter";
  /** Who learns what the user has read: everybody in the room, or the user's own devices only. */
  readReceipts: "public" | "private";
  /** Tell others that the user is typing. */
  typing: boolean;
  /** Notifications on this account's devices show sender and text; otherwise only that there is a message. */
  notificationContent: boolean;
}

const type = "chat.conclave.preferences";

/** What holds until the user chooses. */
export const defaultPreferences: Preferences = { sendWith: "enter", readReceipts: "public", typing: true, notificationContent: true };

/** Reads the account data; whatever another client wrote wrongly counts as not chosen. */
export function readPreferences(c: Record<string, unknown>): Preferences {
  const on = (v: unknown, otherwise: boolean) => (typeof v === "boolean" ? v : otherwise);
  return {
    sendWith: c.send_with === "ctrl_enter" ? "ctrl-enter" : "enter",
    readReceipts: c.read_receipts === "private" ? "private" : "public",
    typing: on(c.typing, true),
    notificationContent: on(c.notification_content, true),
  };
}

function written(p: Partial<Preferences>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  if (p.sendWith !== undefined) out.send_with = p.sendWith === "ctrl-enter" ? "ctrl_enter" : "enter";
  if (p.readReceipts !== undefined) out.read_receipts = p.readReceipts;
  if (p.typing !== undefined) out.typing = p.typing;
  if (p.notificationContent !== undefined) out.notification_content = p.notificationContent;
  return out;
}

/** The user's preferences, for what is not shown. */
export const preferences = (): Preferences => readPreferences(accountData(type));

/** The user's preferences. */
export const usePreferences = (): Preferences => readPreferences(useAccountData(type));

/** Changes some of them, on all devices. */
export const setPreferences = (some: Partial<Preferences>): Promise<void> => changeAccountData(type, (now) => ({ ...now, ...written(some) }));

import { ClientEvent } from "matrix-js-sdk";
import { accountData, changeAccountData } from "./accountdata.ts";
import { client } from "./client.ts";
import { recoveryRecord, type RecoveryRecord } from "./recovery-record.ts";
import { useView } from "./subscribe.ts";

const type = "chat.conclave.recovery_reminder";
const day = 86_400_000;

/** How long "later" is. */
export const pause = 3 * day;

/**
 * Whether the user is to be reminded that nobody kept the recovery key. It can be put off, for three days each time; a time further ahead comes
 * from a clock that was wrong, and does not count.
 */
export function reminderDue(record: RecoveryRecord | null, notBefore: unknown, now: number): boolean {
  if (record === null || record.kept) return false;
  return !(typeof notBefore === "number" && notBefore > now && notBefore <= now + pause);
}

function due(): boolean {
  const keyId = accountData("m.secret_storage.default_key").key;
  return reminderDue(recoveryRecord(client(), typeof keyId === "string" ? keyId : null), accountData(type).not_before_ts, Date.now());
}

/** Whether to remind now. It looks again with each sync, so that a page that stays open reminds too. */
export const useReminderDue = (): boolean => useView("recovery reminder", () => [[client(), [ClientEvent.AccountData, ClientEvent.Sync]]], due);

/** Puts the reminder off, on all devices. */
export const remindLater = (): Promise<void> => changeAccountData(type, () => ({ not_before_ts: Date.now() + pause }));

import type { MatrixClient } from "matrix-js-sdk";

/*
 * Who changed the recovery and when: the protocol does not keep it, so the app does, in the account data. It holds no secret, and only
 * what this app changed is in it.
 */
const type = "chat.conclave.recovery" as never;

interface Content {
  key_id?: string;
  changed_ts?: number;
  device_id?: string;
  device_name?: string;
  kept?: boolean;
}

export interface RecoveryRecord {
  at: number; // milliseconds
  deviceId: string;
  deviceName: string;
  kept: boolean; // the user said that the recovery key is kept
}

/** The last change as far as it is known and belongs to the key storage that is there now. */
export function recoveryRecord(c: MatrixClient, keyId: string | null): RecoveryRecord | null {
  const content = c.getAccountData(type)?.getContent<Content>();
  if (keyId === null || content?.key_id !== keyId || typeof content.changed_ts !== "number") return null;
  return { at: content.changed_ts, deviceId: content.device_id ?? "", deviceName: content.device_name ?? "", kept: content.kept === true };
}

/** Writes the change down, or that the user kept the recovery key. */
export async function noteRecoveryChange(c: MatrixClient, kept: boolean): Promise<void> {
  const keyId = await c.secretStorage.getDefaultKeyId();
  if (keyId === null) return;
  const before = recoveryRecord(c, keyId);
  const deviceId = before?.deviceId ?? c.getDeviceId() ?? "";
  const deviceName = before?.deviceName ?? (await c.getDevice(deviceId).catch(() => null))?.display_name ?? "";
  const content: Content = { key_id: keyId, changed_ts: before?.at ?? Date.now(), device_id: deviceId, device_name: deviceName, kept };
  await c.setAccountData(type, content as never);
}

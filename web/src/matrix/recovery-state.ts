import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { ClientEvent } from "matrix-js-sdk";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { client } from "./client.ts";
import { cryptoOf, useEncryption } from "./encryption.ts";
import { recoveryRecord, type RecoveryRecord } from "./recovery-record.ts";
import { canChangeRecoveryKey } from "./recovery-reset.ts";
import { subscribe } from "./subscribe.ts";

/** How the recovery of the account stands. */
export interface RecoveryState {
  /** `incomplete`: there is a key storage, but not all that belongs there is in it. */
  storage: "ready" | "incomplete" | "none";
  passphrase: boolean;
  /** The backup on the server with the number of keys there; `active`: this device writes to it. */
  backup: { active: boolean; count: number } | null;
  /** The last change, as far as it is known. */
  changed: RecoveryRecord | null;
  canChange: boolean;
}

async function recoveryState(): Promise<RecoveryState> {
  const c = client();
  const crypto = cryptoOf(c);
  const [found, status, check, canChange] = await Promise.all([
    c.secretStorage.getKey(),
    crypto.getSecretStorageStatus(),
    crypto.checkKeyBackupAndEnable(),
    canChangeRecoveryKey(),
  ]);
  return {
    storage: found === null ? "none" : status.ready ? "ready" : "incomplete",
    passphrase: found?.[1].passphrase !== undefined,
    backup: check && { active: (await crypto.getActiveSessionBackupVersion()) === check.backupInfo.version, count: check.backupInfo.count },
    changed: recoveryRecord(c, found?.[0] ?? null),
    canChange,
  };
}

/** The recovery state, asked anew when something of it changes; undefined until it is known. */
export function useRecoveryState(): RecoveryState | undefined {
  const queries = useQueryClient();
  const remaining = useEncryption((s) => s.remaining);
  useEffect(() => {
    const sources = [[client(), [ClientEvent.AccountData, CryptoEvent.KeyBackupStatus, CryptoEvent.KeysChanged]]] as const;
    return subscribe(sources, () => void queries.invalidateQueries({ queryKey: ["recovery"] }));
  }, [queries]);
  // The last key has reached the backup: its count is another one now.
  useEffect(() => {
    if (remaining === 0) void queries.invalidateQueries({ queryKey: ["recovery"] });
  }, [queries, remaining]);
  return useQuery({ queryKey: ["recovery", "state"], queryFn: recoveryState, staleTime: 60_000 }).data;
}

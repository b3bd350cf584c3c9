import { useQuery } from "@tanstack/react-query";
import { api } from "./api.ts";
import { useClientState } from "./client.ts";

/** What the organisation asks of its people's apps. Those who are not signed in learn the name only. */
export interface Organisation {
  name: string;
  policy: {
    idleLockMinutes: number | null;
    forwarding: boolean;
    excludeUnsignedDevices: boolean;
    passphraseRecovery: boolean;
    retentionDays: number | null; // in rooms that say nothing themselves
    retentionMinDays: number | null; // the bounds of what a room may say
    retentionMaxDays: number | null;
  };
}

/** What holds as long as the server has not said anything else: the safe choices. */
export const defaults: Organisation = {
  name: "",
  policy: { idleLockMinutes: null, forwarding: true, excludeUnsignedDevices: true, passphraseRecovery: false, retentionDays: null, retentionMinDays: null, retentionMaxDays: null },
};

interface Answer {
  name?: string;
  policy?: {
    idle_lock_minutes?: number | null;
    forwarding_allowed?: boolean;
    exclude_unsigned_devices?: boolean;
    recovery_passphrase_allowed?: boolean;
    retention_days?: number | null;
    retention_min_days?: number | null;
    retention_max_days?: number | null;
  };
}

export async function fetchOrganisation(): Promise<Organisation> {
  const a = await api<Answer>("/_conclave/client/v1/organisation");
  const p = a.policy ?? {};
  const found: Organisation = {
    name: a.name ?? "",
    policy: {
      idleLockMinutes: p.idle_lock_minutes || null,
      forwarding: p.forwarding_allowed ?? true,
      excludeUnsignedDevices: p.exclude_unsigned_devices ?? true,
      passphraseRecovery: p.recovery_passphrase_allowed ?? false,
      retentionDays: p.retention_days ?? null,
      retentionMinDays: p.retention_min_days ?? null,
      retentionMaxDays: p.retention_max_days ?? null,
    },
  };
  if (a.policy) last = found.policy; // those who are not signed in yet learn no rules
  return found;
}

let last = defaults.policy;

/** The rules as they were last read, for what is no component. */
export const lastPolicy = (): Organisation["policy"] => last;

/** The organisation's name and its rules for the app. */
export function useOrganisation(): Organisation {
  // Whoever signs in learns more than before.
  const user = useClientState((s) => s.userId);
  return useQuery({ queryKey: ["organisation", user], queryFn: fetchOrganisation, staleTime: 5 * 60_000 }).data ?? defaults;
}

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { CryptoEvent } from "matrix-js-sdk/lib/crypto-api/index.js";
import { client } from "./client.ts";
import { cryptoOf } from "./encryption.ts";
import { subscribe } from "./subscribe.ts";

/**
 * The one state that a person is in. `changed`: the identity is not the one that was seen before, which waits for the user's word; `unknown`: no keys of them
 * are known.
 */
export type PersonTrust = "unknown" | "unverified" | "verified" | "changed";

export interface PersonDevice {
  id: string;
  name: string;
  /** Confirmed by its owner. */
  confirmed: boolean;
  key: string; // its fingerprint
}

const events = [CryptoEvent.UserTrustStatusChanged, CryptoEvent.KeysChanged, CryptoEvent.DevicesUpdated];

/** Asks anew whenever keys changed. */
function useFresh(key: readonly string[]): void {
  const queries = useQueryClient();
  const name = key.join(" ");
  useEffect(() => subscribe([[client(), events]], () => void queries.invalidateQueries({ queryKey: name.split(" ") })), [queries, name]);
}

async function personTrust(userId: string): Promise<PersonTrust> {
  const status = await cryptoOf(client()).getUserVerificationStatus(userId);
  if (status.isCrossSigningVerified()) return "verified";
  if (status.needsUserApproval || status.wasCrossSigningVerified()) return "changed";
  return status.known ? "unverified" : "unknown";
}

/** Whether a person is verified; undefined until it is known. */
export function usePersonTrust(userId: string): PersonTrust | undefined {
  const key = ["trust", userId];
  useFresh(key);
  return useQuery({ queryKey: key, queryFn: () => personTrust(userId), staleTime: Infinity }).data;
}

/** Goes on with a person whose identity changed. */
export async function acknowledgeIdentity(userId: string): Promise<void> {
  const crypto = cryptoOf(client());
  if ((await crypto.getUserVerificationStatus(userId)).wasCrossSigningVerified()) await crypto.withdrawVerificationRequirement(userId);
  else await crypto.pinCurrentUserIdentity(userId);
}

async function personDevices(userId: string): Promise<PersonDevice[]> {
  const crypto = cryptoOf(client());
  const devices = (await crypto.getUserDeviceInfo([userId], true)).get(userId);
  const list = await Promise.all(
    [...(devices?.values() ?? [])]
      .filter((d) => !d.dehydrated)
      .map(async (d) => ({
        id: d.deviceId,
        name: d.displayName ?? "",
        confirmed: (await crypto.getDeviceVerificationStatus(userId, d.deviceId))?.signedByOwner === true,
        key: (d.getFingerprint() ?? "").replace(/(.{4})(?=.)/g, "$1 "),
      })),
  );
  return list.sort((a, b) => Number(b.confirmed) - Number(a.confirmed) || (a.name || a.id).localeCompare(b.name || b.id));
}

/** The devices of a person that can read encrypted messages; undefined until they are known. */
export function usePersonDevices(userId: string): PersonDevice[] | undefined {
  const key = ["devices", userId];
  useFresh(key);
  return useQuery({ queryKey: key, queryFn: () => personDevices(userId), staleTime: Infinity }).data;
}

/** The user's other devices, as far as they are confirmed: those that can confirm this one. */
export function useOtherDevices(): PersonDevice[] | undefined {
  const mine = client().getDeviceId();
  return usePersonDevices(client().getSafeUserId())?.filter((d) => d.confirmed && d.id !== mine);
}

/** The display name of a person as far as it is known. */
export function personName(userId: string): string {
  const user = client().getUser(userId);
  return user?.displayName ?? userId;
}

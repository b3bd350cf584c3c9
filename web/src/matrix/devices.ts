import { useQuery } from "@tanstack/react-query";
import { api } from "./api.ts";
import { client } from "./client.ts";
import { confirmed } from "./confirm.ts";

/** One of the user's own devices. */
export interface Device {
  id: string;
  name: string;
  lastSeen: number | null; // milliseconds
  address: string; // IP, "" if not known
  current: boolean;
  /** Whether the user's identity vouches for it; null for one without encryption. */
  verified: boolean | null;
}

interface Answer {
  devices: { device_id: string; display_name?: string; last_seen_ts?: number; last_seen_ip?: string }[];
}

async function fetchDevices(): Promise<Device[]> {
  const c = client();
  const me = c.getSafeUserId();
  const [{ devices }, keys] = await Promise.all([
    api<Answer>("/_matrix/client/v3/devices"),
    c.getCrypto()?.getUserDeviceInfo([me], true).then((m) => m.get(me)),
  ]);
  const list = await Promise.all(
    devices.map(async (d): Promise<Device> => {
      const status = keys?.has(d.device_id) ? await c.getCrypto()?.getDeviceVerificationStatus(me, d.device_id) : null;
      return {
        id: d.device_id,
        name: d.display_name ?? "",
        lastSeen: d.last_seen_ts ?? null,
        address: d.last_seen_ip ?? "",
        current: d.device_id === c.getDeviceId(),
        verified: status ? status.signedByOwner || status.crossSigningVerified : null,
      };
    }),
  );
  return list.sort((a, b) => Number(b.current) - Number(a.current) || (b.lastSeen ?? 0) - (a.lastSeen ?? 0));
}

export const useDevices = () => useQuery({ queryKey: ["own devices"], queryFn: fetchDevices, staleTime: 0 });

export async function renameDevice(id: string, name: string): Promise<void> {
  await api(`/_matrix/client/v3/devices/${encodeURIComponent(id)}`, { method: "PUT", body: { display_name: name } });
}

/** Signs devices out; each erases what it kept as soon as it notices. */
export async function endDevices(ids: string[], password: string): Promise<void> {
  await confirmed("/_matrix/client/v3/delete_devices", "POST", { devices: ids }, password);
}

/** Signs the user out everywhere, here too. The app notices it as it would from another device. */
export async function endEverywhere(): Promise<void> {
  await api("/_matrix/client/v3/logout/all", { method: "POST", body: {} });
}

import { useInfiniteQuery } from "@tanstack/react-query";
import { ClientEvent, type MatrixEvent } from "matrix-js-sdk";
import { api } from "./api.ts";
import { client } from "./client.ts";
import { keptSession } from "./session.ts";

/** Something that happened to the safety of the user's account, as the server wrote it down. */
export interface SecurityEvent {
  seq: number;
  time: number;
  action: string;
  /** Who did it, where that was not the user: an administrator's id, or "server". */
  actor?: string;
  device?: string;
  device_name?: string;
  address?: string;
  subject?: string;
  subject_name?: string;
}

interface Answer {
  items: SecurityEvent[];
  total: number;
  next?: string;
}

const own = "/_conclave/client/v1/security_history";
const read = (path: string, limit: number, from = "") => api<Answer>(`${path}?${new URLSearchParams(from === "" ? { limit: String(limit) } : { limit: String(limit), from })}`);

/** The user's own history, or as an administrator that of another person. */
export const useSecurityHistory = (userId?: string) =>
  useInfiniteQuery({
    // What the console shows is read anew after each of its acts.
    queryKey: userId === undefined ? ["security history"] : ["admin", "security", userId],
    queryFn: ({ pageParam }) => read(userId === undefined ? own : `/_conclave/admin/v1/people/${encodeURIComponent(userId)}/security`, 20, pageParam),
    initialPageParam: "",
    getNextPageParam: (last) => last.next,
    staleTime: 0,
  });

/** What the user should hear of at once when another device did it: whoever does these can come to read everything. */
const grave = new Set(["recovery_key.changed", "recovery_key.removed", "secrets.removed", "identity.reset", "key_storage.changed"]);

/** The newest grave act of another device that this one has not told of yet; for a device that is new here, nothing of before it. */
export function newest(items: SecurityEvent[], known: number | null, me: string): SecurityEvent | null {
  return known === null ? null : (items.find((e) => e.seq > known && grave.has(e.action) && (e.actor !== undefined || e.device !== me)) ?? null);
}

const knownName = () => `conclave.security-known.${keptSession()?.userId ?? ""}`;

/** Calls tell when the account's recovery was changed elsewhere, now or while this device was away. */
export function watchSecurity(tell: (e: SecurityEvent) => void): () => void {
  const c = client();
  let over = false;
  const check = async () => {
    const { items } = await read(own, 50).catch(() => ({ items: [] }));
    const top = items[0];
    if (over || top === undefined) return;
    const kept = localStorage.getItem(knownName());
    const found = newest(items, kept === null ? null : Number(kept), c.getDeviceId() ?? "");
    localStorage.setItem(knownName(), String(top.seq));
    if (found) tell(found);
  };
  const changed = (e: MatrixEvent) => {
    if (e.getType() === "m.secret_storage.default_key" || e.getType().startsWith("m.secret_storage.key.")) void check();
  };
  c.on(ClientEvent.AccountData, changed);
  void check();
  return () => {
    over = true;
    c.off(ClientEvent.AccountData, changed);
  };
}

import { api } from "@/matrix/api.ts";
import { address } from "./api.ts";

export interface NodeStatus {
  server_name: string;
  version: string;
  database: "sqlite" | "postgres";
  started: number;
  commit_queue: number;
  parked_requests: number;
  waiting_syncs: number;
  mail_queue: number | null;
  push_delivered: number;
  push_failed: number;
}

export interface Dashboard {
  people: { total: number; active_1d: number; active_7d: number; active_30d: number; admins: number; locked: number; suspended: number; deactivated: number; open_invitations: number };
  devices: number;
  pushers: number;
  reports: number;
  rooms: { total: number; spaces: number; encrypted: number; orphaned: number };
  messages: { date: string; messages: number; events: number }[];
  storage: { database_bytes: number; events: number; event_bytes: number; media_files: number; media_bytes: number };
  node: NodeStatus;
}

export interface Health {
  ok: boolean;
  checks: { check: string; level: "ok" | "warning" | "problem"; found: string; do: string }[];
}

export const getDashboard = () => api<Dashboard>(address("dashboard"));
export const getHealth = () => api<Health>(address("health"));

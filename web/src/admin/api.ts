import { api, rawApi } from "@/matrix/api.ts";

/*
 * The administrators' API, as docs/ops/admin-api.md describes it. Times are milliseconds since 1970; 0 is never.
 */
const base = "/_conclave/admin/v1/";

export interface Page<T> {
  items: T[];
  total: number;
  next?: string;
}

export type PersonState = "active" | "locked" | "suspended" | "deactivated";

export interface Person {
  user_id: string;
  display_name: string;
  emails: string[] | null;
  state: PersonState;
  admin: boolean;
  locked: boolean;
  suspended: boolean;
  deactivated: boolean;
  erased: boolean;
  created: number;
  last_seen: number;
  device_count: number;
  media_files: number;
  media_bytes: number;
}

export interface PersonDevice {
  device_id: string;
  display_name: string;
  created: number;
  last_seen: number;
  address: string;
  user_agent: string;
}

export interface PersonDetails extends Person {
  devices: PersonDevice[];
  groups: { group_id: string; name: string; members: number }[];
  joined_rooms: number;
  /** Recording rests on the account: only administrators with the compliance role change it. */
  protected: boolean;
}

export interface NewPerson {
  user_name: string;
  display_name?: string;
  password?: string;
  email?: string;
  admin?: boolean;
}

export interface Invitation {
  invitation_id: string;
  state: "open" | "accepted" | "expired";
  user_name: string;
  display_name: string;
  email: string;
  admin: boolean;
  created_by: string;
  created: number;
  expires: number;
  accepted_by: string;
  accepted: number;
}

export interface NewInvitation {
  user_name?: string;
  display_name?: string;
  email?: string;
  admin?: boolean;
  days?: number;
  send?: boolean;
}

export type Outcome = "ready" | "done" | "exists" | "pending" | "error";

export interface ImportRow {
  line: number;
  user_name: string;
  display_name: string;
  email: string;
  admin: boolean;
  groups?: string[];
  outcome: Outcome;
  problem?: string;
  link?: string;
  password?: string;
  sent?: boolean;
}

export interface ImportReport {
  dry_run: boolean;
  counts: Partial<Record<Outcome, number>>;
  rows: ImportRow[];
}

export interface AuditEntry {
  seq: number;
  time: number;
  actor: string;
  device: string;
  address: string;
  action: string;
  target: string;
  before: unknown;
  after: unknown;
  prev: string;
  hash: string;
}

export interface AuditVerdict {
  ok: boolean;
  entries: number;
  seq: number;
  hash: string;
  bad_seq?: number;
  reason?: string;
}

export interface SettingValues {
  name: string;
  registration: "closed" | "token" | "open";
  upload_limit: number;
  user_quota: number;
  encrypt_rooms: boolean;
  idle_lock_minutes: number;
  forwarding_allowed: boolean;
  exclude_unsigned_devices: boolean;
  recovery_passphrase_allowed: boolean;
  retention_days: number;
  retention_min_days: number;
  retention_max_days: number;
  recording_scope: "all" | "except" | "people" | "groups" | "none";
  recording_mode: "closed" | "warn";
  recording_rooms: string[];
  recording_people: string[];
  recording_groups: string[];
  recording_classes: RecordingClass[];
}

export interface RecordingStatus {
  recorder: string; // "ok", "none", or what is wrong where no recorder answers
  recorders: ({ user_id: string; log: string; state: string } & Pick<RecordingStatus, "alarm" | "alarms" | "archive">)[]; // state is "ok", or what is wrong
  outdated_rooms?: number; // rooms that are recorded otherwise than is set, as nobody in them can change that
  unrecorded: number; // accepted events that the recorder is not known to have
  may_change: boolean;
  alarms?: RecordingStatus["alarm"][];
  alarm?: "unreachable" | "stopped" | "problems" | "witness" | "failed" | "clock" | "bucket" | "overdue";
  archive?: { now?: string; copy?: { time?: string; error?: string }; stopped?: string; forked?: string; witnesses?: { name: string; time?: string; error?: string; refused?: boolean }[]; check?: ArchiveResult; expiry?: { time: string; destroyed: number; held: number; waiting: number; error?: string }; holds: number; classes?: string[] };
}

/** A retention class of the archive, and the rooms that are in it: those named, and those with members of the groups. */
export interface RecordingClass {
  class: string;
  groups: string[];
  rooms: string[];
}

/** What the recorder found when it last verified its archive. */
export interface ArchiveResult {
  time: string;
  records: number;
  newer: number; // not covered by a checkpoint yet
  stated: number; // accepted events that the archive was compared with
  problems: number;
  first?: string[];
  error?: string;
}

export interface SettingsAnswer {
  version: number;
  set: Partial<SettingValues>;
  values: SettingValues;
  sources: Record<keyof SettingValues, "console" | "environment" | "file" | "default">;
}

export type Query = Record<string, string | number | boolean | undefined>;

/** The address of a call with its parameters; those that are empty are left out. */
export function address(path: string, query: Query = {}): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") q.set(name, String(value));
  const text = q.toString();
  return base + path + (text === "" ? "" : `?${text}`);
}

const get = <T>(path: string, query: Query = {}, signal?: AbortSignal) => api<T>(address(path, query), signal ? { signal } : {});
const act = <T>(method: string, path: string, body: unknown = {}) => api<T>(address(path), { method, body });
const person = (userId: string) => `people/${encodeURIComponent(userId)}`;

export const list = <T>(path: string, query: Query, signal?: AbortSignal) => get<Page<T>>(path, query, signal);

export const getPerson = (userId: string) => get<PersonDetails>(person(userId));
export const addPerson = (p: NewPerson) => act<PersonDetails & { password?: string }>("POST", "people", p);
export const changePerson = (userId: string, change: { display_name?: string; admin?: boolean }) => act<PersonDetails>("PUT", person(userId), change);
export const mark = (userId: string, verb: "lock" | "unlock" | "suspend" | "unsuspend") => act<PersonDetails>("POST", `${person(userId)}/${verb}`);
export const deactivatePerson = (userId: string, erase: boolean) => act<PersonDetails>("POST", `${person(userId)}/deactivate`, { erase });
export const resetPassword = (userId: string, password: string, signOut: boolean) =>
  act<{ password?: string }>("POST", `${person(userId)}/reset-password`, { ...(password === "" ? {} : { password }), sign_out: signOut });
export const signOutPerson = (userId: string) => act<PersonDetails>("POST", `${person(userId)}/sign-out`);
export const signOutDevice = (userId: string, deviceId: string) => act<PersonDetails>("DELETE", `${person(userId)}/devices/${encodeURIComponent(deviceId)}`);
export const addEmail = (userId: string, email: string) => act<PersonDetails>("POST", `${person(userId)}/emails`, { email });
export const removeEmail = (userId: string, email: string) => act<PersonDetails>("POST", `${person(userId)}/emails/remove`, { email });

export const invite = (i: NewInvitation) => act<Invitation & { link: string; sent: boolean }>("POST", "invitations", i);
export const revokeInvitation = (id: string) => act<object>("DELETE", `invitations/${encodeURIComponent(id)}`);

/** Invites the people of a table, or with dryRun only says what would be done. */
export async function importPeople(table: string, query: { dry_run: boolean; as: "invitations" | "accounts"; send: boolean }): Promise<ImportReport> {
  // A Blob keeps its type as it is sent.
  return api<ImportReport>(address("people/import", query), { method: "POST", body: new Blob([table], { type: "text/csv" }) });
}

export const verifyAudit = (anchor: { seq?: number; hash?: string } = {}) => get<AuditVerdict>("audit/verify", anchor);

export const getSettings = () => get<SettingsAnswer>("settings");

export const getRecording = () => api<RecordingStatus>("/_conclave/recording/v1/status");

/** What would be removed at once if these times were set. */
export const estimateRetention = (v: Pick<SettingValues, "retention_days" | "retention_min_days" | "retention_max_days">) =>
  api<{ rooms: number; messages: number }>(address("retention/estimate"), { method: "POST", body: v });

export async function putSettings(set: Partial<SettingValues>, version: number): Promise<SettingsAnswer> {
  return (await (await rawApi(address("settings"), { method: "PUT", body: set, headers: { "If-Match": `"${version}"` } })).json()) as SettingsAnswer;
}

/** Saves a list as the CSV that the server makes of all of its pages. */
export async function downloadCsv(path: string, query: Query): Promise<void> {
  const response = await rawApi(address(path, { ...query, format: "csv" }));
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? `${path}.csv`;
  saveFile(await response.blob(), name);
}

/** Lets the browser save a file. */
export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

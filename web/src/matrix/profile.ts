import { useQuery } from "@tanstack/react-query";
import { api, ApiError } from "./api.ts";
import { passwordChanged } from "./session-idle.ts";
import { client } from "./client.ts";
import { confirmed } from "./confirm.ts";

const base = "/_matrix/client/v3";

/** Own profile. */
export interface Profile {
  userId: string;
  name: string;
  avatar: string | null; // mxc:
  status: string; // what the user says about themselves now; "" for nothing
}

// MSC4426, which has no number of the specification yet: an emoji and a text.
const statusField = "org.matrix.msc4426.status";

interface ProfileAnswer {
  displayname?: string;
  avatar_url?: string;
  [statusField]?: { text?: string };
}

async function fetchProfile(): Promise<Profile> {
  const userId = client().getSafeUserId();
  const p = await api<ProfileAnswer>(`${base}/profile/${encodeURIComponent(userId)}`);
  return { userId, name: p.displayname ?? "", avatar: p.avatar_url ?? null, status: p[statusField]?.text ?? "" };
}

export const useProfile = () => useQuery({ queryKey: ["own profile"], queryFn: fetchProfile });

const own = (field: string) => `${base}/profile/${encodeURIComponent(client().getSafeUserId())}/${field}`;

export async function setDisplayName(name: string): Promise<void> {
  await api(own("displayname"), { method: "PUT", body: { displayname: name } });
}

/** Uploads a picture and shows it to everybody. */
export async function setPicture(picture: Blob): Promise<void> {
  const { content_uri } = await client().uploadContent(picture, { includeFilename: false, type: picture.type });
  await api(own("avatar_url"), { method: "PUT", body: { avatar_url: content_uri } });
}

export async function removePicture(): Promise<void> {
  await api(own("avatar_url"), { method: "DELETE" });
}

/** Says something about oneself, or with "" nothing more. */
export async function setStatus(text: string): Promise<void> {
  if (text === "") await api(own(statusField), { method: "DELETE" });
  else await api(own(statusField), { method: "PUT", body: { [statusField]: { emoji: "💬", text } } });
}

/** What the server lets this user do. */
export interface Abilities {
  name: boolean;
  picture: boolean;
  status: boolean;
  emails: boolean;
  password: boolean;
  admin: boolean;
}

async function fetchAbilities(): Promise<Abilities> {
  const { capabilities: c } = await api<{ capabilities: Record<string, { enabled?: boolean } | undefined> }>(`${base}/capabilities`);
  const on = (name: string, otherwise: boolean) => c[name]?.enabled ?? otherwise;
  return {
    name: on("m.set_displayname", true),
    picture: on("m.set_avatar_url", true),
    status: on("m.profile_fields", false),
    emails: on("m.3pid_changes", true),
    password: on("m.change_password", true),
    admin: "m.account_moderation" in c,
  };
}

export const useAbilities = () => useQuery({ queryKey: ["abilities"], queryFn: fetchAbilities, staleTime: 5 * 60_000 });

/** Sets a new password; `endOthers` signs out all other devices. */
export async function changePassword(now: string, next: string, endOthers: boolean): Promise<void> {
  await confirmed(`${base}/account/password`, "POST", { new_password: next, logout_devices: endOthers }, now);
  await passwordChanged(next);
}

async function fetchEmails(): Promise<string[]> {
  const { threepids } = await api<{ threepids: { medium: string; address: string }[] }>(`${base}/account/3pid`);
  return threepids.filter((p) => p.medium === "email").map((p) => p.address);
}

export const useEmails = (on: boolean) => useQuery({ queryKey: ["emails"], queryFn: fetchEmails, enabled: on });

/** An address to which the server has sent a link. */
export interface PendingEmail {
  address: string;
  sid: string;
  secret: string;
}

/** Lets the server send a link to an address. */
export async function requestEmail(address: string): Promise<PendingEmail> {
  const secret = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");
  const { sid } = await api<{ sid: string }>(`${base}/account/3pid/email/requestToken`, { method: "POST", body: { client_secret: secret, email: address, send_attempt: 1 } });
  return { address, sid, secret };
}

/** Adds an address whose link was followed. False: it was not yet. */
export async function addEmail(p: PendingEmail, password: string): Promise<boolean> {
  try {
    await confirmed(`${base}/account/3pid/add`, "POST", { client_secret: p.secret, sid: p.sid }, password);
    return true;
  } catch (err) {
    if (err instanceof ApiError && (err.code === "M_THREEPID_AUTH_FAILED" || err.code === "M_SESSION_NOT_VALIDATED")) return false;
    throw err;
  }
}

export async function removeEmail(address: string): Promise<void> {
  await api(`${base}/account/3pid/delete`, { method: "POST", body: { medium: "email", address } });
}

/** Ends the account for good. */
export async function deactivateAccount(password: string, erase: boolean): Promise<void> {
  await confirmed(`${base}/account/deactivate`, "POST", { erase }, password);
}

export interface ServerInfo {
  name: string;
  support: { role: string; email: string; userId: string }[];
}

async function fetchServer(): Promise<ServerInfo> {
  const answer = await api<{ contacts?: { role?: string; email_address?: string; matrix_id?: string }[] }>("/.well-known/matrix/support", { signedIn: false }).catch(() => ({ contacts: undefined }));
  return {
    name: client().getDomain() ?? "",
    support: (answer.contacts ?? []).map((c) => ({ role: c.role ?? "", email: c.email_address ?? "", userId: c.matrix_id ?? "" })),
  };
}

export const useServer = () => useQuery({ queryKey: ["server"], queryFn: fetchServer, staleTime: Number.POSITIVE_INFINITY });

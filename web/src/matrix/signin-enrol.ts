import { api, ApiError } from "./api.ts";
import type { Session } from "./session.ts";
import { deviceName, sessionOf } from "./signin.ts";

/** What a link to a new account is for. */
export interface Enrolment {
  organisation: string;
  serverName: string;
  userName: string; // "": the person chooses
  minPassword: number;
}

interface Answer {
  organisation: string;
  server_name: string;
  user_name?: string;
  min_password_length: number;
}

const enrolment = (a: Answer): Enrolment => ({ organisation: a.organisation, serverName: a.server_name, userName: a.user_name ?? "", minPassword: a.min_password_length });

async function look(path: string): Promise<Enrolment | null> {
  try {
    return enrolment(await api<Answer>(path, { signedIn: false }));
  } catch (err) {
    if (err instanceof ApiError && err.status === 404) return null;
    throw err;
  }
}

/** What the link of an invitation offers; null if it is not valid any more. */
export const lookAtInvitation = (token: string): Promise<Enrolment | null> => look(`/_conclave/client/v1/invitations/${encodeURIComponent(token)}`);

/** What the first administrator's link offers; null if it is not valid any more. */
export const lookAtWelcome = (token: string): Promise<Enrolment | null> => look(`/_conclave/client/v1/welcome/${encodeURIComponent(token)}`);

interface LoginAnswer {
  user_id: string;
  device_id: string;
  access_token: string;
}

/** Makes the account that the invitation is for. */
export async function acceptInvitation(token: string, username: string, password: string): Promise<Session> {
  const path = "/_matrix/client/v3/register";
  const body = { username, password, initial_device_display_name: deviceName() };
  const ask = (auth?: object) => api<LoginAnswer>(path, { method: "POST", signedIn: false, body: auth ? { ...body, auth } : body });
  try {
    return sessionOf(await ask({ type: "m.login.registration_token", token }));
  } catch (err) {
    if (!(err instanceof ApiError) || err.status !== 401 || typeof err.data.session !== "string") throw err;
    return sessionOf(await ask({ type: "m.login.registration_token", token, session: err.data.session }));
  }
}

/** Makes the first administrator's account and names the organisation. */
export async function acceptWelcome(token: string, username: string, password: string, organisation: string): Promise<Session> {
  const body = { user_name: username, password, organisation, initial_device_display_name: deviceName() };
  return sessionOf(await api<LoginAnswer>(`/_conclave/client/v1/welcome/${encodeURIComponent(token)}`, { method: "POST", signedIn: false, body }));
}

/** Makes an invitation for one person, and gives its link, which is shown this once. */
export async function invitePerson(displayName: string): Promise<string> {
  const body = displayName ? { display_name: displayName } : {};
  return (await api<{ link: string }>("/_conclave/admin/v1/invitations", { method: "POST", body })).link;
}

/** A row of a table of people to be invited, and what became of it. */
export interface InvitedRow {
  line: number;
  userName: string;
  displayName: string;
  outcome: "ready" | "done" | "exists" | "pending" | "error";
  problem: string;
  link: string;
}

interface Report {
  rows: { line: number; user_name: string; display_name: string; outcome: InvitedRow["outcome"]; problem?: string; link?: string }[];
}

/** Invites the people of a table (CSV); with `dryRun` it only says what would become of each row. */
export async function invitePeople(csv: string, dryRun: boolean): Promise<InvitedRow[]> {
  // The body is a CSV file, which fetch names by the blob's type.
  const body = new Blob([csv], { type: "text/csv" });
  const report = await api<Report>(`/_conclave/admin/v1/people/import?as=invitations&dry_run=${dryRun}`, { method: "POST", body });
  return report.rows.map((r) => ({ line: r.line, userName: r.user_name, displayName: r.display_name, outcome: r.outcome, problem: r.problem ?? "", link: r.link ?? "" }));
}

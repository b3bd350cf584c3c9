import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { password, Server } from "./server.ts";

let server: Server;
let token: string;
let boss: Person;

beforeAll(async () => {
  // A recorder that does not answer, and records nothing.
  const recording = { URL: "http://127.0.0.1:9", PUBLIC_KEY: Buffer.alloc(32, 1).toString("base64").replace(/=+$/, ""), SCOPE: "none", ADMINISTRATORS: "@boss:localhost" };
  server = await Server.start(Object.fromEntries(Object.entries(recording).map(([name, value]) => [`CONCLAVE_RECORDING_${name}`, value])));
  await server.account("boss", { displayName: "Bea Boss", admin: true });
  await server.account("alice", { displayName: "Alice Archer" });
  await server.account("bob", { displayName: "Bob Baker" });
  token = await server.token("boss");
  boss = await (await Person.open(server)).signIn("boss");
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

interface Entry {
  action: string;
  target: string;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
}

/** The latest entry of the audit log about an action. */
async function recorded(action: string): Promise<Entry | undefined> {
  return (await server.api<{ items: Entry[] }>("GET", `/_conclave/admin/v1/audit?action=${action}&order=-seq&limit=1`, token)).items[0];
}

async function go(link: string): Promise<void> {
  await boss.page.getByRole("navigation", { name: "Administration" }).getByRole("link", { name: link }).click();
  await boss.page.getByRole("heading", { level: 1, name: link }).waitFor();
}

async function saved(button: string): Promise<string> {
  const [file] = await Promise.all([boss.page.waitForEvent("download"), boss.page.getByRole("button", { name: button }).click()]);
  return readFile(await file.path(), "utf8");
}

const signInAs = <T = unknown>(user: string, secret: string) =>
  server.api<T>("POST", "/_matrix/client/v3/login", undefined, { type: "m.login.password", identifier: { type: "m.id.user", user }, password: secret });

test("who is no administrator is refused", async () => {
  const alice = await (await Person.open(server)).signIn("alice");
  await alice.page.goto("/admin/people");
  await alice.page.getByRole("heading", { name: "This is for administrators" }).waitFor();
  expect(await alice.page.getByText("Bob Baker").count()).toBe(0);
  alice.clean();
  await alice.close();
});

test("people are found, added, locked and unlocked again", async () => {
  const { page } = boss;
  await page.goto("/admin/people");
  await page.getByRole("link", { name: /Bob Baker/ }).waitFor();
  await page.getByRole("searchbox", { name: "Search" }).fill("arch");
  await page.getByRole("link", { name: /Bob Baker/ }).waitFor({ state: "detached" });
  expect(await boss.accessibility()).toEqual([]);
  const csv = await saved("Export as CSV");
  expect(csv.split("\r\n")[0]).toContain("user_id");
  expect(csv).toContain("@alice:localhost");
  expect(csv).not.toContain("@bob:localhost");

  await page.getByRole("button", { name: "Add account" }).click();
  const add = page.getByRole("dialog", { name: "Add an account" });
  await add.getByLabel(/^User name/).fill("Carol!");
  await add.getByRole("button", { name: "Add", exact: true }).click();
  await add.getByText("Small letters, digits and . _ - / + = only.").waitFor();
  await add.getByLabel(/^User name/).fill("carol");
  await add.getByLabel("Display name").fill("Carol Clark");
  await add.getByRole("button", { name: "Add", exact: true }).click();
  const made = (await add.getByRole("status", { name: "Password" }).textContent()) ?? "";
  await signInAs("carol", made);
  await add.getByRole("button", { name: "Close" }).last().click();
  expect(await recorded("account.create")).toMatchObject({ target: "@carol:localhost" });

  await page.getByRole("searchbox", { name: "Search" }).fill("");
  await page.getByRole("link", { name: /Carol Clark/ }).click();
  await page.getByRole("button", { name: "Lock", exact: true }).click();
  await page.getByText("carol is locked").waitFor();
  await expect(signInAs("carol", made)).rejects.toThrow("M_USER_LOCKED");
  expect(await recorded("account.lock")).toMatchObject({ target: "@carol:localhost", before: { locked: false }, after: { locked: true } });
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Lock", exact: true }).waitFor();
  const carol = await signInAs<{ access_token: string }>("carol", made);
  const isAdmin = async () => (await server.api<{ admin: boolean }>("GET", "/_conclave/client/v1/organisation", carol.access_token)).admin;

  await page.getByRole("button", { name: "Suspend", exact: true }).click();
  await page.getByText("carol is suspended").waitFor();
  await expect(server.api("POST", "/_matrix/client/v3/createRoom", carol.access_token, {})).rejects.toThrow("M_USER_SUSPENDED");
  expect(await recorded("account.suspend")).toMatchObject({ target: "@carol:localhost", before: { suspended: false }, after: { suspended: true } });
  await page.getByRole("button", { name: "End suspension" }).click();
  await page.getByText("carol is no longer suspended").waitFor();
  await server.api("POST", "/_matrix/client/v3/createRoom", carol.access_token, {});

  expect(await isAdmin()).toBe(false);
  await page.getByRole("button", { name: "Make administrator" }).click();
  const promote = page.getByRole("dialog", { name: "Make administrator" });
  expect(await promote.getByRole("button", { name: "Make administrator" }).isDisabled()).toBe(true);
  await promote.getByLabel("Type carol to confirm").fill("carol");
  await promote.getByRole("button", { name: "Make administrator" }).click();
  await page.getByRole("button", { name: "Take administration away" }).waitFor();
  expect(await isAdmin()).toBe(true);
  for (const name of ["Suspend", "Lock"]) expect(await page.getByRole("button", { name, exact: true }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: "Take administration away" }).click();
  await page.getByText("carol is no longer an administrator").waitFor();
  await expect.poll(isAdmin).toBe(false);
  const history = page.getByRole("list", { name: "Security history" }).getByRole("listitem");
  await expect.poll(() => history.first().textContent()).toMatch(/^No longer an administrator.*by the administrator @boss:localhost/);
  await history.filter({ hasText: "Account locked" }).waitFor();
  expect(await history.last().textContent()).toMatch(/^Device signed in/);
  expect(await recorded("account.demote")).toMatchObject({ target: "@carol:localhost", before: { admin: true }, after: { admin: false } });
  expect(await boss.accessibility()).toEqual([]);
  boss.clean();
});

test("a device is signed out, a password reset, and an account ended only with its name typed in", async () => {
  const { page } = boss;
  const device = await server.token("bob");
  await page.goto("/admin/people/@bob:localhost");
  await page.getByRole("button", { name: /^Sign out (?!all)/ }).first().click();
  await page.getByText("Signed in nowhere.").waitFor();
  await expect(server.api("GET", "/_matrix/client/v3/account/whoami", device)).rejects.toThrow("M_UNKNOWN_TOKEN");

  await page.getByRole("button", { name: "Reset password" }).click();
  const reset = page.getByRole("dialog", { name: "Reset password" });
  await reset.getByRole("button", { name: "Reset password" }).click();
  const made = (await reset.getByRole("status", { name: "Password" }).textContent()) ?? "";
  await reset.getByRole("button", { name: "Close" }).last().click();
  await signInAs("bob", made);
  await expect(signInAs("bob", password)).rejects.toThrow("M_FORBIDDEN");

  await page.getByRole("button", { name: "Deactivate…" }).click();
  const end = page.getByRole("dialog", { name: "Deactivate" });
  expect(await end.getByRole("button", { name: "Deactivate" }).isDisabled()).toBe(true);
  await end.getByLabel("Type bob to confirm").fill("bob");
  await end.getByRole("button", { name: "Deactivate" }).click();
  await page.getByText("This account is deactivated.", { exact: false }).waitFor();
  expect(await recorded("account.deactivate")).toMatchObject({ target: "@bob:localhost" });
  boss.clean();
});

test("a person is invited by a link, and the invitation revoked", async () => {
  const { page } = boss;
  await page.goto("/admin/invitations");
  await page.getByText("No invitations").waitFor();
  await page.getByRole("button", { name: "Invite a person" }).click();
  const dialog = page.getByRole("dialog", { name: "Invite a person" });
  await dialog.getByLabel("Display name").fill("Dora Dean");
  await dialog.getByRole("button", { name: "Make link" }).click();
  await dialog.getByRole("img", { name: "The link as QR code" }).waitFor();
  const link = (await dialog.getByRole("status", { name: "Link" }).textContent()) ?? "";
  expect(link.startsWith(server.url)).toBe(true);
  expect(await boss.accessibility()).toEqual([]);
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await page.getByRole("button", { name: "Revoke the invitation for Dora Dean" }).click();
  await page.getByText("No invitations").waitFor();
  expect(await recorded("invitation.revoke")).toBeDefined();
  boss.clean();
});

test("a table of people is shown first, then imported, with a report for each row", async () => {
  const { page } = boss;
  await page.goto("/admin/import");
  await page.getByRole("textbox", { name: "Table" }).fill("erin,Erin\n");
  await page.getByText("The first line must name the columns", { exact: false }).waitFor();
  await page.locator("input[type=file]").setInputFiles({ name: "people.csv", mimeType: "text/csv", buffer: Buffer.from("user_name,display_name,email\nerin,Erin Evans,erin@example.org\nfr ank,Frank,\nalice,Alice,\n") });
  await page.getByRole("button", { name: "Preview" }).click();
  const rows = page.getByRole("table", { name: "Rows of the table" }).getByRole("row");
  await rows.nth(3).waitFor();
  expect(await rows.nth(1).textContent()).toContain("Ready");
  expect(await rows.nth(2).textContent()).toContain("Error");
  expect(await rows.nth(3).textContent()).toContain("Account exists");
  const open = () => server.api<{ total: number }>("GET", "/_conclave/admin/v1/invitations?state=open", token);
  expect((await open()).total).toBe(0);
  await page.getByRole("button", { name: "Import 1 person" }).click();
  await page.getByRole("heading", { name: "Report" }).waitFor();
  expect((await open()).total).toBe(1);
  const report = await saved("Save report");
  expect(report).toMatch(/^2,erin,Erin Evans,erin@example\.org,false,done,,http:\/\/localhost/m);
  expect(await boss.accessibility()).toEqual([]);
  boss.clean();
});

test("the organisation is renamed, and the log shows and verifies it", async () => {
  const { page } = boss;
  await page.goto("/admin/organisation");
  await page.getByRole("textbox", { name: "Name" }).fill("Northwind Bank");
  await page.getByRole("textbox", { name: "Largest file" }).fill("lots");
  await page.getByText("Write e.g. 50 MB").waitFor();
  expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
  await page.getByRole("textbox", { name: "Largest file" }).fill("20 MB");
  // Somebody else was quicker: nothing of theirs is overwritten.
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const settings = `${server.url}/_conclave/admin/v1/settings`;
  const tag = (await fetch(settings, { headers })).headers.get("ETag") ?? "";
  expect((await fetch(settings, { method: "PUT", headers: { ...headers, "If-Match": tag }, body: JSON.stringify({ name: "Southwind Bank" }) })).status).toBe(200);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody else has changed the settings meanwhile. Reload the page and change them again.").waitFor();
  expect(await server.api("GET", "/_conclave/client/v1/organisation")).toMatchObject({ name: "Southwind Bank" });
  await page.reload();
  await page.getByRole("textbox", { name: "Name" }).fill("Northwind Bank");
  await page.getByRole("textbox", { name: "Largest file" }).fill("20 MB");
  const recording = page.getByRole("region", { name: "Recording" });
  await recording.getByRole("alert").getByText("The recorder does not answer").waitFor();
  await recording.getByRole("combobox", { name: "When the recorder does not sign a message" }).click();
  await page.getByRole("option", { name: "Accept it, archive it later" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("The settings hold from now on").waitFor();
  expect(await server.api("GET", "/_conclave/admin/v1/settings", token)).toMatchObject({ values: { recording_scope: "none", recording_mode: "warn" } });
  expect(await server.api("GET", "/_conclave/client/v1/organisation")).toMatchObject({ name: "Northwind Bank" });
  expect(await server.api("GET", "/_matrix/client/v1/media/config", token)).toMatchObject({ "m.upload.size": 20_000_000 });
  expect(await boss.accessibility()).toEqual([]);

  await go("Audit log");
  await page.getByLabel("What", { exact: true }).fill("settings");
  const row = page.getByRole("row", { name: /Settings changed/ }).first(); // the newest
  await page.getByRole("row", { name: /Account/ }).first().waitFor({ state: "detached" });
  await row.getByRole("button").click();
  const details = page.getByRole("dialog");
  await details.getByText("Northwind Bank").waitFor();
  await details.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Verify the log" }).click();
  await page.getByText("The log is intact").waitFor();
  // The database is encrypted, nobody changes it from here: what the page makes of the server's other verdict is seen by one of its answers.
  await page.route("**/audit/verify", (r) => r.fulfill({ json: { ok: false, entries: 9, seq: 9, hash: "00", bad_seq: 3, reason: "It was changed after it was written" } }));
  await page.getByRole("button", { name: "Verify the log" }).click();
  await page.getByText("The log was changed at entry 3").waitFor();
  await page.getByText("It was changed after it was written").waitFor();
  await page.unroute("**/audit/verify");
  expect(await boss.accessibility()).toEqual([]);
  boss.clean();
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { password, Server } from "./server.ts";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
  for (const [name, displayName] of [["alice", "Alice Archer"], ["bob", "Bob Baker"], ["carol", "Carol Clark"], ["dave", "Dave Dunn"]] as const) await server.account(name, { displayName });
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

const me = (name: string) => encodeURIComponent(`@${name}:localhost`);
const accountData = (token: string, name: string, type: string) => server.api("GET", `/_matrix/client/v3/user/${me(name)}/account_data/${type}`, token);

/** Chooses one of two or three, as with the mouse. */
async function choose(p: Person, setting: string, choice: string): Promise<void> {
  await p.page.getByRole("radiogroup", { name: setting }).getByText(choice, { exact: true }).click();
}

async function open(p: Person, page: string): Promise<void> {
  await p.page.goto(`/settings/${page}`);
  await p.page.getByRole("heading", { level: 1 }).waitFor();
}

test("a new name and picture are what others see", async () => {
  const alice = await (await Person.open(server)).signIn("alice");
  await open(alice, "profile");
  const { page } = alice;
  await page.getByLabel("Display name").fill("Alice Anders");
  await page.getByRole("button", { name: "Save" }).first().click();
  await page.getByText("Your name was changed").waitFor();
  await page.getByLabel("Status").fill("back on Monday");
  await page.getByRole("button", { name: "Save" }).last().click();
  await page.getByText("Your status was changed").waitFor();

  const png = await page.screenshot({ clip: { x: 0, y: 0, width: 300, height: 150 } });
  await page.locator("input[type=file]").setInputFiles({ name: "me.png", mimeType: "image/png", buffer: png });
  const crop = page.getByRole("dialog", { name: "Choose the part to show" });
  await crop.getByRole("application").press("ArrowRight");
  await crop.getByRole("button", { name: "Use picture" }).click();
  await page.getByText("Your picture was changed").waitFor();

  const bob = await server.token("bob");
  const seen = await server.api<{ displayname: string; avatar_url: string }>("GET", `/_matrix/client/v3/profile/${me("alice")}`, bob);
  expect(seen).toMatchObject({ displayname: "Alice Anders", "org.matrix.msc4426.status": { text: "back on Monday" } });
  const [host, id] = seen.avatar_url.slice("mxc://".length).split("/");
  const picture = await fetch(`${server.url}/_matrix/client/v1/media/download/${host}/${id}`, { headers: { Authorization: `Bearer ${bob}` } });
  const bytes = Buffer.from(await picture.arrayBuffer());
  // The IHDR chunk of a PNG: width and height. The square is as high as the picture was.
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([150, 150]);

  await page.getByRole("button", { name: "Remove" }).click();
  await page.getByText("Your picture was removed").waitFor();
  expect(await server.api("GET", `/_matrix/client/v3/profile/${me("alice")}`, bob)).not.toHaveProperty("avatar_url");
  alice.clean();
  await alice.close();
});

test("how it looks is kept, and the language changes at once", async () => {
  const alice = await (await Person.open(server, { colorScheme: "light" })).signIn("alice");
  const { page } = alice;
  await open(alice, "appearance");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await choose(alice, "Theme", "Dark");
  await page.waitForFunction((was) => getComputedStyle(document.body).backgroundColor !== was, light);
  const dark = await background();
  await choose(alice, "Spacing", "Compact");
  await page.getByRole("combobox", { name: "Text size" }).click();
  await page.getByRole("option", { name: "125 %" }).click();
  await page.getByRole("combobox", { name: "Language" }).click();
  await page.getByRole("option", { name: "Deutsch" }).click();
  await page.getByRole("heading", { level: 1, name: "Darstellung" }).waitFor();

  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Darstellung" }).waitFor();
  expect(await background()).toBe(dark);
  expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.density, getComputedStyle(document.documentElement).fontSize])).toEqual(["de", "compact", "20px"]);
  expect(await alice.accessibility()).toEqual([]);
  alice.clean();
  await alice.close();
});

test("signing out a device ends the other browser's access, with the right password only", async () => {
  const here = await (await Person.open(server)).signIn("bob");
  const there = await (await Person.open(server)).signIn("bob");
  const { page } = here;
  await open(here, "devices");
  await page.getByRole("button", { name: "Rename Chrome, Linux" }).nth(1).click();
  await page.getByLabel("Name of the device").fill("Old laptop");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Sign out Old laptop" }).click();
  const dialog = page.getByRole("dialog", { name: "Sign out Old laptop" });
  await dialog.getByLabel(/^Your password/).fill("wrong");
  await dialog.getByRole("button", { name: "Sign out" }).click();
  expect(await dialog.getByRole("alert").textContent()).toBe("This is not your password.");
  await dialog.getByLabel(/^Your password/).fill(password);
  await dialog.getByRole("button", { name: "Sign out" }).click();
  // At the latest when the browser's request for news ends, after half a minute.
  await there.page.getByText("This device was signed out").waitFor({ timeout: 45_000 });
  await page.getByText("Old laptop").waitFor({ state: "detached" });
  expect(await here.accessibility()).toEqual([]);
  here.clean();
  await Promise.all([here.close(), there.close()]);
});

test("a password is changed: the old one no longer opens, and other devices are out", async () => {
  const old = await server.token("carol");
  const carol = await (await Person.open(server)).signIn("carol");
  const { page } = carol;
  await open(carol, "account");
  const next = "quite another battery staple";
  await page.getByLabel(/^Current password/).fill(password);
  await page.getByLabel("New password", { exact: false }).first().fill(next);
  await page.getByLabel(/^New password again/).fill(`${next}?`);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("The two new passwords differ.").waitFor();
  await page.getByLabel(/^New password again/).fill(next);
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password was changed").waitFor();
  await expect(server.token("carol")).rejects.toThrow("M_FORBIDDEN");
  await expect(server.api("GET", "/_matrix/client/v3/account/whoami", old)).rejects.toThrow("M_UNKNOWN_TOKEN");
  await page.getByRole("heading", { level: 1, name: "Account" }).waitFor();
  carol.clean();

  await page.getByRole("button", { name: "Deactivate account" }).click();
  const dialog = page.getByRole("dialog", { name: "Deactivate account" });
  await dialog.getByLabel(/^Your password/).fill(next);
  expect(await dialog.getByRole("button", { name: "Deactivate account" }).isDisabled()).toBe(true);
  await dialog.getByLabel("Type carol to confirm").fill("carol");
  await dialog.getByRole("button", { name: "Deactivate account" }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  const again = { type: "m.login.password", identifier: { type: "m.id.user", user: "carol" }, password: next };
  await expect(server.api("POST", "/_matrix/client/v3/login", undefined, again)).rejects.toThrow("403");
  await carol.close();
});

test("rules for notifications, writing and privacy go to the account", async () => {
  const dave = await (await Person.open(server)).signIn("dave");
  const token = await server.token("dave");
  const { page } = dave;
  const rule = async (kind: string, id: string) => server.api<{ enabled: boolean; actions: unknown[] }>("GET", `/_matrix/client/v3/pushrules/global/${kind}/${id}`, token);

  await open(dave, "notifications");
  await choose(dave, "Rooms", "Mentions only");
  await page.getByRole("switch", { name: "Mentions of everybody" }).press("Space");
  await page.getByPlaceholder("Type a word and press Enter").fill("launch");
  await page.keyboard.press("Enter");
  await expect.poll(async () => (await rule("underride", ".m.rule.message")).actions).toEqual([]);
  await expect.poll(async () => (await rule("override", ".m.rule.is_room_mention")).enabled).toBe(false);
  await expect.poll(async () => (await rule("content", "launch").catch(() => null))?.enabled).toBe(true);
  expect(await dave.accessibility()).toEqual([]);

  await open(dave, "composing");
  await choose(dave, "Send with", "Ctrl + Enter");
  await page.getByRole("switch", { name: "Show that I am typing" }).press("Space");
  await page.getByRole("switch", { name: "Show what I have read" }).press("Space");
  await expect
    .poll(async () => accountData(token, "dave", "chat.conclave.preferences").catch(() => null))
    .toEqual({ send_with: "ctrl_enter", typing: false, read_receipts: "private" });
  expect(await dave.accessibility()).toEqual([]);

  await open(dave, "privacy");
  await page.getByRole("switch", { name: "Refuse all invitations" }).press("Space");
  await page.getByLabel("Ignore a person").fill("@carol:localhost");
  await page.getByRole("button", { name: "Ignore", exact: true }).click();
  await page.getByRole("button", { name: "Stop ignoring @carol:localhost" }).waitFor();
  expect(await accountData(token, "dave", "m.ignored_user_list")).toEqual({ ignored_users: { "@carol:localhost": {} } });
  const bob = await server.token("bob");
  const { room_id } = await server.api<{ room_id: string }>("POST", "/_matrix/client/v3/createRoom", bob, {});
  await expect(server.api("POST", `/_matrix/client/v3/rooms/${room_id}/invite`, bob, { user_id: "@dave:localhost" })).rejects.toThrow("M_INVITE_BLOCKED");
  expect(await dave.accessibility()).toEqual([]);
  dave.clean();
  await dave.close();
});

test("a message that comes while nobody looks is notified, and says nothing if the user chose so", async () => {
  const dave = await Person.open(server, { permissions: ["notifications"] });
  await dave.context.addInitScript(() => {
    const shown: { title: string; body: string }[] = [];
    class Recorded extends EventTarget {
      static permission = "granted";
      static requestPermission = () => Promise.resolve("granted");
      constructor(title: string, options: { body?: string }) {
        super();
        shown.push({ title, body: options.body ?? "" });
      }
      close(): void {}
    }
    Object.assign(window, { Notification: Recorded, shown });
    Object.defineProperty(document, "visibilityState", { get: () => (window as unknown as { away?: boolean }).away ? "hidden" : "visible" });
  });
  await dave.signIn("dave");
  const token = await server.token("dave");
  await server.api("PUT", `/_matrix/client/v3/user/${me("dave")}/account_data/m.invite_permission_config`, token, {});
  const bob = await server.token("bob");
  const { room_id } = await server.api<{ room_id: string }>("POST", "/_matrix/client/v3/createRoom", bob, { is_direct: true, preset: "trusted_private_chat", invite: ["@dave:localhost"] });
  await server.api("POST", `/_matrix/client/v3/rooms/${encodeURIComponent(room_id)}/join`, token, {});
  const sender = await (await Person.open(server)).signIn("bob");
  await sender.page.goto(`/room/${encodeURIComponent(room_id)}`);
  const say = async (body: string) => {
    await sender.page.getByRole("textbox", { name: /message/i }).fill(body);
    await sender.page.keyboard.press("Enter");
  };
  const shown = () => dave.page.evaluate(() => (window as unknown as { shown: { title: string; body: string }[] }).shown);

  await open(dave, "notifications");
  await dave.page.getByRole("switch", { name: "Show notifications" }).press("Space");

  // Chromium without a window has no push service: the page says so, and the switch stays off.
  const closed = dave.page.getByRole("switch", { name: "Also while Conclave is closed" });
  await closed.press("Space");
  await dave.page.getByText(/This browser has no push service that can be reached/).waitFor();
  expect(await closed.isChecked()).toBe(false);
  expect(dave.complaints.splice(0).filter((c) => !/Push API in incognito/.test(c))).toEqual([]); // Chromium says its own word on it
  await dave.page.evaluate(async () => {
    const keys = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
    const p256dh = await crypto.subtle.exportKey("raw", keys.publicKey);
    let held: object | null = null;
    const subscription = {
      endpoint: "https://push.invalid/dave",
      getKey: (name: string) => (name === "auth" ? new Uint8Array(16).buffer : p256dh),
      unsubscribe: async () => ((held = null), true),
    };
    Object.assign(PushManager.prototype, { getSubscription: async () => held, subscribe: async () => (held = subscription) });
  });
  const pushers = async () => (await server.api<{ pushers: { kind: string; app_id: string; data: object }[] }>("GET", "/_matrix/client/v3/pushers", token)).pushers.map(({ kind, app_id, data }) => ({ kind, app_id, data }));
  await closed.press("Space");
  await expect.poll(pushers).toMatchObject([{ kind: "webpush", app_id: "chat.conclave.web", data: { url: "https://push.invalid/dave", format: "event_id_only" } }]);
  await expect.poll(() => closed.isChecked()).toBe(true);
  await closed.press("Space");
  await expect.poll(pushers).toEqual([]);
  await dave.page.evaluate(() => Object.assign(window, { away: true }));
  await say("lunch at noon");
  await expect.poll(shown).toContainEqual({ title: "Bob Baker", body: "lunch at noon" });
  await dave.page.getByRole("switch", { name: "Show sender and text" }).press("Space");
  await expect.poll(async () => (await accountData(token, "dave", "chat.conclave.preferences").catch(() => ({}))) as object).toMatchObject({ notification_content: false });
  await say("and a secret");
  await expect.poll(shown).toContainEqual({ title: "New message", body: "Open Conclave to read it." });
  expect(JSON.stringify(await shown())).not.toContain("secret");
  dave.clean();
  await Promise.all([dave.close(), sender.close()]);
});

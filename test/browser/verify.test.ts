import { rm, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cameraFilm, closeBrowser, Person } from "./browser.ts";
import { password, Server } from "./server.ts";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
  await rm(cameraFilm, { force: true });
});

/** An encrypted room of the account with one message, which its first device sends by the page. */
async function roomWithMessage(p: Person, name: string, text: string): Promise<void> {
  const token = await server.token(name);
  await server.api("POST", "/_matrix/client/v3/createRoom", token, {
    name: "Notes",
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  });
  await p.page.getByRole("link", { name: /Notes/ }).click();
  const composer = p.page.getByRole("textbox").last();
  await composer.fill(text);
  await composer.press("Enter");
  await p.page.getByText(text).first().waitFor();
}

const emoji = (p: Person) => p.page.getByRole("dialog").getByRole("listitem").allTextContents();

test("the first sign-in prepares the encryption without a question and shows the recovery key", async () => {
  await server.account("alice");
  const p = await Person.open(server);
  await p.enterPassword("alice");
  const key = p.page.getByRole("textbox", { name: "Recovery key" });
  await key.waitFor();
  expect(await key.textContent()).toMatch(/^(\w{4} ){11}\w{4}$/);
  await p.page.getByRole("button", { name: "Show as QR code" }).click();
  await p.page.getByRole("img", { name: "Recovery key as a QR code" }).waitFor();
  const [file] = await Promise.all([p.page.waitForEvent("download"), p.page.getByRole("button", { name: "Save as a file" }).click()]);
  expect(file.suggestedFilename()).toBe("conclave-recovery-key.txt");
  expect(await p.accessibility()).toEqual([]);
  await p.page.getByRole("button", { name: "I have kept it" }).click();
  await p.page.getByRole("list", { name: "Chats" }).waitFor();
  // The server has it all.
  const token = await server.token("alice");
  const keys = await server.api<{ master_keys: Record<string, unknown> }>("POST", "/_matrix/client/v3/keys/query", token, { device_keys: { "@alice:localhost": [] } });
  expect(Object.keys(keys.master_keys)).toEqual(["@alice:localhost"]);
  expect((await server.api<{ version: string }>("GET", "/_matrix/client/v3/room_keys/version", token)).version).toBeTruthy();
  await p.page.reload();
  await p.page.getByRole("list", { name: "Chats" }).waitFor();
  p.clean();
  await p.close();
});

test("a second device is confirmed by emoji from the first one, and reads what was written before", async () => {
  await server.account("bob");
  const first = await (await Person.open(server)).signIn("bob");
  await roomWithMessage(first, "bob", "written before the second device");
  const second = await Person.open(server, { colorScheme: "dark" });
  await second.enterPassword("bob");
  await second.page.getByRole("heading", { name: "Confirm this device" }).waitFor();
  await second.page.getByText("Signed in: Chrome, Linux.").first().waitFor();
  expect(await second.accessibility()).toEqual([]);
  await second.page.getByRole("button", { name: "Compare emoji" }).click();
  await first.page.getByRole("button", { name: "Accept" }).click();
  await Promise.all([first, second].map((p) => p.page.getByRole("button", { name: "They are the same" }).waitFor()));
  expect(await emoji(second)).toEqual(await emoji(first));
  expect(await emoji(first)).toHaveLength(7);
  expect(await first.accessibility()).toEqual([]);
  for (const p of [first, second]) await p.page.getByRole("button", { name: "They are the same" }).click();
  for (const p of [first, second]) {
    await p.page.getByText("The device is confirmed.").waitFor();
    await p.page.getByRole("button", { name: "Done" }).click();
  }
  await second.page.getByRole("link", { name: /Notes/ }).click();
  await second.page.getByText("written before the second device").first().waitFor();
  first.clean();
  second.clean();
  await Promise.all([first.close(), second.close()]);
});

/** Holds what a page draws as a QR code before the camera. */
async function filmOf(p: Person, code: string): Promise<void> {
  const drawn = await p.page.getByRole("img", { name: code }).evaluate((svg) => ({ size: Number(svg.getAttribute("viewBox")?.split(" ")[2]), path: svg.querySelector("path")?.getAttribute("d") ?? "" }));
  const [width, height] = [640, 480];
  const scale = Math.floor(height / drawn.size);
  const light = Buffer.alloc(width * height, 235);
  for (const [, x, y] of drawn.path.matchAll(/M(\d+) (\d+)h1/g))
    for (let row = 0; row < scale; row++) light.fill(16, ((Number(y) + 4) * scale + row) * width + (Number(x) + 4) * scale, ((Number(y) + 4) * scale + row) * width + (Number(x) + 5) * scale);
  const frame = Buffer.concat([Buffer.from("FRAME\n"), light, Buffer.alloc((width * height) / 2, 128)]);
  await writeFile(cameraFilm, Buffer.concat([Buffer.from(`YUV4MPEG2 W${width} H${height} F15:1 Ip A1:1 C420jpeg\n`), frame, frame]));
}

test("a second device is confirmed by scanning a code with its camera", async () => {
  await server.account("sam");
  const first = await (await Person.open(server)).signIn("sam");
  await roomWithMessage(first, "sam", "written before the scan");
  const second = await Person.open(server);
  await second.enterPassword("sam");
  await second.page.getByRole("button", { name: "Use a QR code" }).click();
  await first.page.getByRole("button", { name: "Accept" }).click();
  await filmOf(first, "QR code for the other device");
  await second.page.getByRole("button", { name: "Scan the other device's code" }).click();
  await first.page.getByRole("button", { name: "Yes, it does" }).click();
  for (const p of [first, second]) {
    await p.page.getByText("The device is confirmed.").waitFor();
    await p.page.getByRole("button", { name: "Done" }).click();
  }
  await second.page.getByRole("link", { name: /Notes/ }).click();
  await second.page.getByText("written before the scan").first().waitFor();
  for (const p of [first, second]) p.clean();
  await Promise.all([first.close(), second.close()]);
});

test("emoji that differ end the verification on both sides", async () => {
  await server.account("erin");
  const first = await (await Person.open(server)).signIn("erin");
  const second = await Person.open(server);
  await second.enterPassword("erin");
  await second.page.getByRole("button", { name: "Compare emoji" }).click();
  await first.page.getByRole("button", { name: "Accept" }).click();
  await first.page.getByRole("button", { name: "They are the same" }).waitFor();
  await second.page.getByRole("button", { name: "They differ" }).click();
  for (const p of [first, second]) await p.page.getByText(/The emoji differ/).waitFor();
  await second.page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  await second.page.getByRole("heading", { name: "Confirm this device" }).waitFor();
  await Promise.all([first.close(), second.close()]);
});

test("a second device is confirmed by the recovery key, and what is wrong with one is said exactly", async () => {
  await server.account("carol");
  const first = await (await Person.open(server)).signIn("carol");
  await roomWithMessage(first, "carol", "for the recovery key");
  const key = server.recoveryKeys.get("carol") ?? "";
  await first.page.getByText("for the recovery key").first().waitFor();
  const second = await Person.open(server);
  await second.enterPassword("carol");
  const field = second.page.getByRole("textbox", { name: "Recovery key" });
  const says = async (text: string, problem: RegExp) => {
    await field.fill(text);
    await second.page.getByRole("button", { name: "Confirm", exact: true }).click();
    await second.page.getByRole("alert").getByText(problem).waitFor();
  };
  await says("0OIl", /characters that a recovery key never has/);
  await says(key.slice(0, -5), /not the right length/);
  await says(key.slice(0, -1) + (key.endsWith("A") ? "B" : "A"), /typing error/);
  await says(server.recoveryKeys.get("bob") ?? "", /belongs to another account/);
  // The keys of the history come slowly enough for the counter to be read.
  let come = () => {};
  const slow = new Promise<void>((go) => (come = go));
  await second.page.route("**/room_keys/keys?*", async (r) => {
    await slow;
    await r.continue();
  });
  await field.fill(key.replaceAll(" ", "\n"));
  await second.page.getByRole("button", { name: "Confirm", exact: true }).click();
  await second.page.getByText("Fetching your messages' keys").waitFor();
  come();
  await second.page.getByText("1 key of your history is restored.").waitFor();
  await second.page.getByRole("link", { name: /Notes/ }).click();
  await second.page.getByText("for the recovery key").first().waitFor();
  second.clean();
  await Promise.all([first.close(), second.close()]);
});

test("who has neither is told why, and resets the identity with the password", async () => {
  await server.account("dave");
  await (await (await Person.open(server)).signIn("dave")).close();
  // The only other device is signed out.
  const token = await server.token("dave");
  const { devices } = await server.api<{ devices: { device_id: string; display_name?: string }[] }>("GET", "/_matrix/client/v3/devices", token);
  const gone = devices.filter((d) => d.display_name?.startsWith("Chrome")).map((d) => d.device_id);
  const auth = { type: "m.login.password", identifier: { type: "m.id.user", user: "dave" }, password: "correct horse battery staple" };
  await server.api("POST", "/_matrix/client/v3/delete_devices", token, { devices: gone, auth }).catch(async (err: Error) => {
    const session = (JSON.parse(/\{.*\}/.exec(err.message)?.[0] ?? "{}") as { session?: string }).session;
    await server.api("POST", "/_matrix/client/v3/delete_devices", token, { devices: gone, auth: { ...auth, session } });
  });
  const p = await Person.open(server);
  await p.enterPassword("dave");
  await p.page.getByText("Not available: no other confirmed device is signed in.").first().waitFor();
  expect(await p.page.getByRole("button", { name: "Compare emoji" }).isDisabled()).toBe(true);
  await p.page.getByRole("button", { name: "Reset the identity" }).click();
  await p.page.getByLabel("Your password").fill("wrong");
  await p.page.getByRole("button", { name: "Reset the identity" }).click();
  await p.page.getByRole("alert").getByText("The password is wrong.").waitFor();
  await p.page.getByLabel("Your password").fill("correct horse battery staple");
  await p.page.getByRole("button", { name: "Reset the identity" }).click();
  const key = p.page.getByRole("textbox", { name: "Recovery key" });
  await p.page.getByRole("button", { name: "I have kept it" }).waitFor();
  expect(await key.textContent()).not.toBe(server.recoveryKeys.get("dave"));
  await p.page.getByRole("button", { name: "I have kept it" }).click();
  await p.page.getByRole("list", { name: "Chats" }).waitFor();
  p.clean();
  await p.close();
});

test("two people verify each other by emoji from a profile", async () => {
  await server.account("frank", { displayName: "Frank" });
  await server.account("grace", { displayName: "Grace" });
  const [frank, grace] = [await (await Person.open(server)).signIn("frank"), await (await Person.open(server)).signIn("grace")];
  const [his, hers] = [await server.token("frank"), await server.token("grace")];
  const { room_id } = await server.api<{ room_id: string }>("POST", "/_matrix/client/v3/createRoom", his, {
    preset: "trusted_private_chat",
    is_direct: true,
    invite: ["@grace:localhost"],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  });
  await server.api("POST", `/_matrix/client/v3/join/${encodeURIComponent(room_id)}`, hers, {});
  await server.api("PUT", "/_matrix/client/v3/user/@frank:localhost/account_data/m.direct", his, { "@grace:localhost": [room_id] });
  await frank.page.goto(`/room/${encodeURIComponent(room_id)}?panel=person&user=${encodeURIComponent("@grace:localhost")}`);
  await frank.page.getByRole("region", { name: "Encryption" }).getByText("Not verified", { exact: true }).waitFor();
  await frank.page.getByRole("button", { name: "Devices" }).click();
  await frank.page.getByRole("list", { name: "Devices" }).getByText(/confirmed by its owner/).first().waitFor();
  expect(await frank.accessibility()).toEqual([]);
  await frank.page.getByRole("button", { name: "Verify", exact: true }).click();
  await grace.page.getByRole("button", { name: "Accept" }).click();
  await frank.page.getByRole("dialog").getByRole("button", { name: "Compare emoji" }).click();
  await Promise.all([frank, grace].map((p) => p.page.getByRole("button", { name: "They are the same" }).waitFor()));
  expect(await emoji(frank)).toEqual(await emoji(grace));
  for (const p of [frank, grace]) await p.page.getByRole("button", { name: "They are the same" }).click();
  for (const p of [frank, grace]) await p.page.getByText(/is verified\. Your chats are private\./).waitFor();
  await frank.page.getByRole("button", { name: "Done" }).click();
  const keys = frank.page.getByRole("region", { name: "Encryption" });
  await keys.getByText("Verified", { exact: true }).waitFor();

  // A person who was verified and has another identity is shown as such until the user goes on with it.
  await grace.page.getByRole("button", { name: "Done" }).click();
  await grace.page.evaluate(() => history.pushState(null, "", "/settings/encryption"));
  await grace.page.getByRole("button", { name: "Reset the identity" }).click();
  await grace.page.getByLabel("Your password").fill(password);
  await grace.page.getByRole("button", { name: "Reset the identity" }).click();
  await grace.page.getByRole("button", { name: "I have kept it" }).click();
  await keys.getByText("Identity changed", { exact: true }).waitFor();
  await keys.getByText(/Grace has a new identity/).waitFor();
  expect(await keys.getByRole("button", { name: "Verify", exact: true }).isEnabled()).toBe(true);
  await keys.getByRole("button", { name: "Go on with the new identity" }).click();
  await keys.getByText("Not verified", { exact: true }).waitFor();
  for (const p of [frank, grace]) p.clean();
  await Promise.all([frank.close(), grace.close()]);
});

test("the encryption page says how recovery stands, makes a new recovery key, and takes keys to a file and back", async () => {
  await server.account("heidi");
  const p = await (await Person.open(server)).signIn("heidi");
  await roomWithMessage(p, "heidi", "a message whose key is kept");
  const old = server.recoveryKeys.get("heidi") ?? "";
  await p.page.goto("/settings/encryption");
  await p.page.getByText(/Your key storage is set up/).waitFor();
  await p.page.getByText(/The backup is running/).waitFor();
  await p.page.getByText(/Last changed on .* by Chrome, Linux\./).waitFor();
  expect(await p.accessibility()).toEqual([]);
  await p.page.getByRole("button", { name: "Save keys" }).click();
  const dialog = p.page.getByRole("dialog");
  await dialog.getByLabel("Passphrase of the file").fill("a phrase for the file");
  await dialog.getByLabel("The passphrase once more").fill("a phrase for the file");
  const [file] = await Promise.all([p.page.waitForEvent("download"), dialog.getByRole("button", { name: "Save keys" }).click()]);
  const path = await file.path();
  await p.page.getByRole("button", { name: "Read keys" }).click();
  const [chooser] = await Promise.all([p.page.waitForEvent("filechooser"), dialog.getByRole("button", { name: /^File/ }).click()]);
  await chooser.setFiles(path);
  await dialog.getByLabel("Passphrase of the file").fill("another phrase");
  await dialog.getByRole("button", { name: "Read keys" }).click();
  await dialog.getByText("The passphrase does not fit this file.").waitFor();
  await dialog.getByLabel("Passphrase of the file").fill("a phrase for the file");
  await dialog.getByRole("button", { name: "Read keys" }).click();
  await p.page.getByText("1 key was read.").waitFor();
  await p.page.getByRole("button", { name: "Make a new recovery key" }).click();
  const fresh = (await p.page.getByRole("textbox", { name: "Recovery key" }).textContent()) ?? "";
  // Who leaves without keeping it is reminded, and may put that off.
  await p.page.goto("/");
  const reminder = p.page.getByRole("region", { name: "Keep your recovery key" });
  await reminder.getByRole("link", { name: "See to it now" }).waitFor();
  expect(await p.accessibility()).toEqual([]);
  await reminder.getByRole("link", { name: "See to it now" }).click();
  await p.page.getByRole("button", { name: "Enter the recovery key" }).click();
  await p.page.getByRole("textbox", { name: "Recovery key" }).fill(old);
  await p.page.getByRole("button", { name: "Confirm", exact: true }).click();
  await p.page.getByRole("alert").getByText(/has been replaced by a newer one/).waitFor();
  await p.page.getByRole("link", { name: "Back to your chats" }).click();
  await reminder.getByRole("button", { name: "Later" }).click();
  await reminder.waitFor({ state: "detached" });
  await p.page.goto("/settings/encryption");
  await p.page.getByRole("button", { name: "Enter the recovery key" }).click();
  await p.page.getByRole("textbox", { name: "Recovery key" }).fill(fresh);
  await p.page.getByRole("button", { name: "Confirm", exact: true }).click();
  await p.page.getByText(/Nobody has said that the present recovery key was kept/).waitFor({ state: "detached" });
  const second = await Person.open(server);
  await second.enterPassword("heidi");
  await second.page.getByRole("textbox", { name: "Recovery key" }).fill(old);
  await second.page.getByRole("button", { name: "Confirm", exact: true }).click();
  await second.page.getByRole("alert").getByText(/has been replaced by a newer one/).waitFor();
  // The organisation lets people choose a passphrase, which opens the same as the new key.
  await p.page.getByRole("button", { name: "Use a passphrase" }).click();
  await p.page.getByLabel(/^Passphrase/).fill("too short");
  await p.page.getByRole("button", { name: "Set the passphrase" }).click();
  await p.page.getByRole("alert").getByText("At least 12 characters.").waitFor();
  await p.page.getByLabel(/^Passphrase/).fill("four words of my own");
  await p.page.getByRole("button", { name: "Set the passphrase" }).click();
  await p.page.getByRole("button", { name: "I have kept it" }).click();
  await second.page.reload();
  const opens = second.page.getByRole("textbox", { name: "Recovery key or passphrase" });
  await opens.fill("four words of another");
  await second.page.getByRole("button", { name: "Confirm", exact: true }).click();
  await second.page.getByRole("alert").getByText("Neither the recovery key nor the passphrase of this account.").waitFor();
  await opens.fill("four words of my own");
  await second.page.getByRole("button", { name: "Confirm", exact: true }).click();
  await second.page.getByRole("list", { name: "Chats" }).waitFor();
  // Whoever changes the recovery from elsewhere is told of at once, and stands in the history.
  const token = await server.token("heidi");
  await server.api("PUT", "/_matrix/client/v3/user/@heidi:localhost/account_data/m.secret_storage.default_key", token, { key: "another" });
  const alert = p.page.getByRole("alert").filter({ hasText: "Recovery key changed" });
  await alert.getByText(/If this was not you, change your password/).waitFor();
  await alert.getByRole("button", { name: "Show the security history" }).click();
  await p.page.reload();
  const history = p.page.getByRole("list", { name: "Security history" }).getByRole("listitem");
  await history.filter({ hasText: "Identity created" }).waitFor();
  expect(await history.first().textContent()).toMatch(/^Recovery key changed.*127\.0\.0\.1/);
  for (const act of [/^Recovery key created.*Chrome, Linux/, /^Backup of message keys started \(version 1\).*Chrome, Linux/, /^Device signed in: Chrome, Linux/]) expect(await history.filter({ hasText: act }).count()).toBeGreaterThan(0);
  await Promise.all([p.close(), second.close()]);
});

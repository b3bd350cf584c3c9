import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { password, Server } from "./server.ts";

let server: Server;
let admin: string;

beforeAll(async () => {
  server = await Server.start();
  await server.account("boss", { admin: true });
  admin = await server.token("boss");
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

const api = "/_conclave/admin/v1";

interface Kept {
  userId: string;
  deviceId: string;
  accessToken: string;
}

const session = (p: Person): Promise<Kept> => p.page.evaluate(() => JSON.parse(localStorage.getItem("conclave.session") ?? "{}") as Kept);

/** Names of databases and of what local storage has for the account. */
const leftovers = (p: Person): Promise<string[]> =>
  p.page.evaluate(async () => [...(await indexedDB.databases()).map((d) => d.name ?? ""), ...Object.keys(localStorage)].filter((n) => !/language|appearance|color-scheme/.test(n)));

async function removeDevice(p: Person): Promise<void> {
  const { userId, deviceId } = await session(p);
  await server.api("DELETE", `${api}/people/${encodeURIComponent(userId)}/devices/${deviceId}`, admin);
}

/** Changes the organisation's rule about idle apps. */
async function setIdle(minutes: number): Promise<void> {
  const headers = { Authorization: `Bearer ${admin}`, "Content-Type": "application/json" };
  const now = await fetch(`${server.url}${api}/settings`, { headers });
  const tag = now.headers.get("ETag") ?? "";
  const put = await fetch(`${server.url}${api}/settings`, { method: "PUT", headers: { ...headers, "If-Match": tag }, body: JSON.stringify({ idle_lock_minutes: minutes }) });
  expect(put.status).toBe(200);
}

test("a device that an administrator removes erases everything at once", async () => {
  await server.account("alice");
  const p = await (await Person.open(server)).signIn("alice");
  expect((await leftovers(p)).length).toBeGreaterThan(3);
  await removeDevice(p);
  await p.page.getByRole("heading", { name: "This device was signed out" }).waitFor();
  expect(await leftovers(p)).toEqual([]);
  expect(await p.accessibility()).toEqual([]);
  await p.page.getByRole("button", { name: "Sign in" }).click();
  await p.page.getByLabel("User name or e-mail address").waitFor();
  await p.close();
});

test("a device that was removed while the browser was closed erases everything at its next start", async () => {
  await server.account("bob");
  const p = await (await Person.open(server)).signIn("bob");
  const device = await session(p);
  await p.page.goto("about:blank");
  await server.api("DELETE", `${api}/people/${encodeURIComponent(device.userId)}/devices/${device.deviceId}`, admin);
  await p.page.goto("/");
  await p.page.getByRole("heading", { name: "This device was signed out" }).waitFor();
  expect(await leftovers(p)).toEqual([]);
  await p.close();
});

test("a token that the server forgot costs the password only: the same device goes on", async () => {
  await server.account("carol");
  const p = await (await Person.open(server)).signIn("carol");
  const before = await session(p);
  await p.page.evaluate((s) => localStorage.setItem("conclave.session", JSON.stringify({ ...s, accessToken: "forgotten" })), before);
  await p.page.reload();
  await p.page.getByRole("heading", { name: "Sign in again" }).waitFor();
  expect(await p.accessibility()).toEqual([]);
  await p.page.getByLabel(/^Password/).fill(password);
  await p.page.getByRole("button", { name: "Sign in" }).click();
  await p.page.getByRole("list", { name: "Chats" }).waitFor();
  expect((await session(p)).deviceId).toBe(before.deviceId);
  await p.close();
});

test("a browser that lost its keys becomes a new device, and the old one is signed out", async () => {
  await server.account("dave");
  const p = await (await Person.open(server)).signIn("dave");
  const before = await session(p);
  await p.page.evaluate(() => localStorage.removeItem("conclave.storage-key"));
  await p.page.reload();
  await p.page.getByRole("heading", { name: "This browser lost its keys" }).waitFor();
  expect(await p.accessibility()).toEqual([]);
  await p.page.getByLabel(/^Password/).fill(password);
  await p.page.getByRole("button", { name: "Sign in" }).click();
  await p.page.getByRole("textbox", { name: "Recovery key" }).fill(server.recoveryKeys.get("dave") ?? "");
  await p.page.getByRole("button", { name: "Confirm", exact: true }).click();
  await p.page.getByRole("list", { name: "Chats" }).waitFor();
  const { devices } = await server.api<{ devices: { device_id: string }[] }>("GET", "/_matrix/client/v3/devices", (await session(p)).accessToken);
  expect(devices.map((d) => d.device_id)).not.toContain(before.deviceId);
  await p.close();
});

test("an idle app locks itself, keeps nothing that opens its keys, and the password unlocks it", async () => {
  await server.account("erin");
  await setIdle(5);
  const p = await (await Person.open(server)).signIn("erin");
  await p.page.evaluate(() => localStorage.setItem("conclave.last-active", String(Date.now() - 5 * 60_000)));
  await p.page.getByRole("heading", { name: "Conclave is locked" }).waitFor();
  expect(await p.accessibility()).toEqual([]);
  const kept = await p.page.evaluate(async () => {
    const wrapping = await new Promise<unknown>((done) => {
      const open = indexedDB.open("conclave-vault");
      open.onsuccess = () => {
        const get = open.result.transaction("keys").objectStore("keys").get("wrapping");
        get.onsuccess = () => done(get.result);
      };
    });
    return { wrapping: wrapping !== undefined, key: localStorage.getItem("conclave.storage-key") };
  });
  expect(kept).toEqual({ wrapping: false, key: null });
  await p.page.getByLabel(/^Password/).fill("a guess");
  await p.page.getByRole("button", { name: "Unlock" }).click();
  await p.page.getByRole("alert").getByText(/The password is wrong/).waitFor();
  await p.page.reload();
  await p.context.setOffline(true); // the password opens without the server too
  await p.page.getByLabel(/^Password/).fill(password);
  await p.page.getByRole("button", { name: "Unlock" }).click();
  await p.page.getByRole("list", { name: "Chats" }).waitFor();
  await p.context.setOffline(false);
  await removeDevice(p);
  await p.page.getByRole("heading", { name: "This device was signed out" }).waitFor();
  expect(await leftovers(p)).toEqual([]);
  await p.close();
});

test("who forgot the password is told to ask where the server sends no messages", async () => {
  const p = await Person.open(server);
  await p.page.goto("/");
  await p.page.getByRole("button", { name: "Forgotten your password?" }).click();
  await p.page.getByLabel("E-mail address").fill("alice@example.org");
  await p.page.getByRole("button", { name: "Send the message" }).click();
  expect(await p.page.getByRole("alert").textContent()).toBe("This server sends no messages. Ask your administrator for a new password.");
  expect(await p.accessibility()).toEqual([]);
  p.clean();
  await p.close();
});

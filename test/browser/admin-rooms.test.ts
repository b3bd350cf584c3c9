import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { Server } from "./server.ts";

let server: Server;
let boss: Person;
let token: string;
let alice: string;
let room: string;

beforeAll(async () => {
  server = await Server.start({ CONCLAVE_RECORDING_ADMINISTRATORS: "@boss:localhost" });
  await server.account("boss", { displayName: "Bea Boss", admin: true });
  await server.account("alice", { displayName: "Alice Archer" });
  await server.account("bob", { displayName: "Bob Baker" });
  [token, alice] = await Promise.all([server.token("boss"), server.token("alice")]);
  ({ room_id: room } = await server.api<{ room_id: string }>("POST", "/_matrix/client/v3/createRoom", alice, { name: "Power Trading", topic: "Day ahead", preset: "private_chat", invite: ["@bob:localhost"] }));
  boss = await (await Person.open(server)).signIn("boss");
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

const api = <T = Record<string, unknown>>(path: string) => server.api<T>("GET", `/_conclave/admin/v1/${path}`, token);

test("the overview counts people and rooms and draws the curve of messages", async () => {
  const { page } = boss;
  await page.goto("/admin");
  const people = page.getByRole("main").getByRole("link", { name: /^People/ });
  await people.waitFor();
  expect(await people.textContent()).toContain("3");
  await page.locator("canvas").waitFor();
  expect(await page.getByRole("row").count()).toBe(30);
  boss.clean();
});

test("health shows what the server finds about itself", async () => {
  const { page } = boss;
  await page.goto("/admin/health");
  const { checks } = await api<{ checks: { check: string; found: string }[] }>("health");
  for (const c of checks) await page.getByText(c.check, { exact: true }).first().waitFor();
  await page.getByText("SQLite", { exact: true }).waitFor();
  expect(await boss.accessibility()).toEqual([]);
  boss.clean();
});

test("a room is found, blocked and freed again, taken over for all to see, and deleted", async () => {
  const { page } = boss;
  await page.goto("/admin/rooms");
  await page.getByRole("searchbox", { name: "Search" }).fill("power");
  await page.getByRole("link", { name: /Power Trading/ }).click();
  await page.getByRole("table", { name: "Members" }).getByRole("link", { name: /Alice Archer/ }).waitFor();
  expect(await boss.accessibility()).toEqual([]);

  const rename = (name: string) => server.api("PUT", `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/m.room.topic/`, alice, { topic: name });
  await page.getByRole("button", { name: "Block", exact: true }).click();
  await page.getByText("The room is blocked").waitFor();
  await expect(rename("Intraday")).rejects.toThrow("403");
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("button", { name: "Block", exact: true }).waitFor();
  await expect.poll(() => rename("Intraday").then(() => true, () => false)).toBe(true);

  await page.getByRole("button", { name: "Take over" }).click();
  const over = page.getByRole("dialog", { name: "Take over" });
  await over.getByLabel("Type Power Trading to confirm").fill("Power Trading");
  await over.getByRole("button", { name: "Take over" }).click();
  await page.getByRole("table", { name: "Members" }).getByRole("link", { name: /Bea Boss/ }).waitFor();
  const { joined } = await server.api<{ joined: object }>("GET", `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/joined_members`, alice);
  expect(Object.keys(joined)).toContain("@boss:localhost");

  await page.getByRole("button", { name: "Delete room…" }).click();
  const end = page.getByRole("dialog", { name: "Delete room" });
  await end.getByLabel("Type Power Trading to confirm").fill("Power Trading");
  await end.getByRole("button", { name: "Delete room" }).click();
  await page.getByText(/^Done:/).waitFor();
  const { joined_rooms: left } = await server.api<{ joined_rooms: string[] }>("GET", "/_matrix/client/v3/joined_rooms", alice);
  expect(left).not.toContain(room);
  const acts = (await api<{ items: { action: string; target: string }[] }>("audit?action=room&order=seq")).items.filter((e) => e.target === room).map((e) => e.action);
  expect(acts).toEqual(["room.block", "room.unblock", "room.take_over", "room.delete"]);
  expect(await api("audit/verify")).toMatchObject({ ok: true });
  boss.clean();
});

test("a legal hold upon a person is placed, and released by its case number", async () => {
  const { page } = boss;
  await page.goto("/admin/holds");
  await page.getByRole("button", { name: "Place a hold" }).click();
  const dialog = page.getByRole("dialog", { name: "Place a hold" });
  await dialog.getByLabel("Case number").fill("C-7");
  await dialog.getByLabel("Reason").fill("A court asks");
  await dialog.getByRole("combobox", { name: "Person" }).fill("alice");
  await page.getByRole("option", { name: /Alice Archer/ }).click();
  expect(await boss.accessibility()).toEqual([]);
  await dialog.getByRole("button", { name: "Place", exact: true }).click();
  await page.getByRole("row", { name: /C-7.*@alice:localhost/ }).waitFor();
  expect(await boss.accessibility()).toEqual([]);
  await page.getByRole("button", { name: "Release the hold of case C-7" }).click();
  const end = page.getByRole("dialog", { name: "Release the hold" });
  await end.getByLabel("Type C-7 to confirm").fill("C-7");
  await end.getByRole("button", { name: "Release the hold" }).click();
  await page.getByText("The hold of case C-7 was released").waitFor();
  boss.clean();
});

test("a group is made, somebody is put into it, and it ends with its id typed in", async () => {
  const { page } = boss;
  await page.goto("/admin/groups");
  await page.getByRole("button", { name: "Add group" }).click();
  const dialog = page.getByRole("dialog", { name: "Add group" });
  await dialog.getByLabel("Name").fill("Gas Trading");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("heading", { name: "Gas Trading" }).first().waitFor();
  expect(page.url()).toContain("/admin/groups/gas-trading");
  await page.getByRole("combobox", { name: "People to add" }).fill("alice");
  await page.getByRole("option", { name: /Alice Archer/ }).click();
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByRole("row", { name: /Alice Archer.*@alice:localhost/ }).waitFor();
  expect((await api<{ items: { user_id: string }[] }>("groups/gas-trading/members")).items.map((m) => m.user_id)).toEqual(["@alice:localhost"]);
  await page.getByRole("button", { name: "Delete group…" }).click();
  const end = page.getByRole("dialog", { name: "Delete group" });
  await end.getByRole("textbox").fill("gas-trading");
  await end.getByRole("button", { name: "Delete group" }).click();
  await page.getByText("No groups found").waitFor();
  boss.clean();
});

/** Every address of the app that one person can open: what is new in a router or a list of pages belongs here. */
const everywhere = (space: string): string[] => {
  const chat = `/room/${encodeURIComponent(room)}`;
  return [
    "/nowhere", "/", "/search", "/explore", `/space/${encodeURIComponent(space)}`, chat, ...["files", "info", "members", "settings", "threads", "search", "pins"].map((p) => `${chat}?panel=${p}`),
    `${chat}?panel=person&user=${encodeURIComponent("@alice:localhost")}`, "/invite-people",
    ...["profile", "account", "devices", "encryption", "notifications", "appearance", "composing", "search", "privacy", "about"].map((p) => `/settings/${p}`),
    ...["dashboard", "people", "people/@alice:localhost", "invitations", "import", "groups", "groups/desk", "rooms", `rooms/${encodeURIComponent(room)}`, "organisation", "holds", "audit", "health"].map((p) => `/admin/${p}`),
  ];
};

test("no page has a serious fault for who cannot see or point well: light on a desktop, dark on a phone", async () => {
  const { page } = boss;
  const call = <T>(method: string, path: string, as: string, body: unknown = {}) => server.api<T>(method, `/_matrix/client/v3${path}`, as, body);
  ({ room_id: room } = await call<{ room_id: string }>("POST", "/createRoom", alice, { name: "Gas Trading", preset: "private_chat", invite: ["@boss:localhost", "@bob:localhost"] }));
  await call("POST", `/join/${encodeURIComponent(room)}`, token);
  const { room_id: space } = await call<{ room_id: string }>("POST", "/createRoom", token, { name: "Trading floor", creation_content: { type: "m.space" } });
  await server.api("POST", "/_conclave/admin/v1/groups", token, { group_id: "desk" });
  const faults: Record<string, string[]> = {};
  const screens = { desktop: [{ width: 1280, height: 800 }, "light"], phone: [{ width: 360, height: 740 }, "dark"] } as const;
  for (const [screen, [size, colorScheme]] of Object.entries(screens)) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const address of everywhere(space)) {
      // Not loaded anew, which would take longer than all else here: the page is there when it says something else, and nothing that is still to come.
      const before = await page.evaluate((a) => {
        const text = document.body.innerText;
        history.pushState(null, "", a);
        return text;
      }, address);
      await page.waitForFunction((b) => document.body.innerText !== b && document.querySelector(".mantine-Loader-root, .mantine-Skeleton-root") === null, before);
      const found = await boss.accessibility();
      if (found.length > 0) faults[`${address} on a ${screen}`] = found;
    }
  }
  expect(faults).toEqual({});
  boss.clean();
}, 300_000);

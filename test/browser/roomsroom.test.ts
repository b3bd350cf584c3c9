import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { chat, Script } from "./people.ts";
import { Server } from "./server.ts";

let server: Server;
let alice: Script;
let bob: Script;
let carol: Script;

beforeAll(async () => {
  server = await Server.start();
  for (const [name, displayName] of Object.entries({ alice: "Alice Archer", bob: "Bob Baker", carol: "Carol Carter" })) await server.account(name, { displayName });
  [alice, bob, carol] = await Promise.all([Script.of(server, "alice"), Script.of(server, "bob"), Script.of(server, "carol")]);
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

/** A room of Alice's that others are in. */
async function shared(name: string, others: Script[], more: object = {}): Promise<string> {
  const id = await alice.makeRoom({ name, invite: others.map((o) => o.id), ...more });
  for (const o of others) await o.call("POST", `/join/${encodeURIComponent(id)}`, {});
  return id;
}

const membership = async (roomId: string, of: Script): Promise<string> =>
  (await alice.call<{ membership: string }>("GET", `/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${of.id}`)).membership;

test("roles change, people are removed and banned, and can come back when the ban is lifted", async () => {
  const id = await shared("Moderated", [bob, carol]);
  const p = await (await Person.open(server)).signIn("alice");
  await p.page.goto(`/room/${encodeURIComponent(id)}?panel=members`);
  const members = p.page.getByRole("list", { name: "Members" });
  await members.getByRole("listitem").filter({ hasText: "Alice Archer" }).getByText("Owner").waitFor();
  expect(await p.accessibility()).toEqual([]);
  await p.page.getByRole("searchbox", { name: "Search members" }).fill("bob");
  await members.getByRole("button", { name: /Bob Baker/ }).click();
  await p.page.getByRole("radio", { name: "Moderator" }).click();
  await expect.poll(async () => (await bob.call<{ users: Record<string, number> }>("GET", `/rooms/${encodeURIComponent(id)}/state/m.room.power_levels/`)).users[bob.id]).toBe(50);
  expect(await p.accessibility()).toEqual([]);

  await p.page.goto(`/room/${encodeURIComponent(id)}?panel=person&user=${encodeURIComponent(carol.id)}`);
  await p.page.getByRole("button", { name: "Ban from the room" }).click();
  await p.page.getByLabel("Reason (not required)").fill("spam");
  await p.page.getByRole("dialog").getByRole("button", { name: "Ban from the room" }).click();
  await p.page.getByText("Banned: spam").waitFor();
  expect(await membership(id, carol)).toBe("ban");
  await p.page.getByRole("button", { name: "Lift the ban" }).click();
  await p.page.getByRole("button", { name: "Invite to this room" }).waitFor();
  expect(await membership(id, carol)).toBe("leave");

  await p.page.goto(`/room/${encodeURIComponent(id)}?panel=person&user=${encodeURIComponent(bob.id)}`);
  await p.page.getByRole("button", { name: "Remove from the room" }).click();
  await p.page.getByRole("dialog").getByRole("button", { name: "Remove from the room" }).click();
  await expect.poll(() => membership(id, bob)).toBe("leave");
  p.clean();
  await p.close();
});

test("name, topic, access and address are changed, and others see it at once", async () => {
  const id = await shared("Old name", [bob]);
  const a = await (await Person.open(server)).signIn("alice");
  const b = await (await Person.open(server, { colorScheme: "dark" })).signIn("bob");
  await chat(b, "Old name").click();
  await a.page.goto(`/room/${encodeURIComponent(id)}?panel=settings`);
  await a.page.getByLabel("Name").fill("New name");
  await a.page.getByLabel("Topic").fill("What is new");
  await a.page.getByRole("button", { name: "Save" }).click();
  await b.page.getByRole("heading", { name: "New name", level: 1 }).waitFor();
  await b.page.getByText("What is new").waitFor();
  await a.page.getByRole("radio", { name: "Everybody in the organisation" }).click();
  await a.page.getByRole("checkbox", { name: "Show it in the list of public rooms" }).click();
  await a.page.getByLabel("New address").fill("Neues Büro");
  await a.page.getByRole("button", { name: "Add", exact: true }).click();
  await a.page.getByText("Main address").waitFor();
  expect((await alice.call<{ room_id: string }>("GET", `/directory/room/${encodeURIComponent("#neues-buro:localhost")}`)).room_id).toBe(id);
  expect(await a.accessibility()).toEqual([]);

  // Another finds it in the directory and goes in.
  const c = await (await Person.open(server)).signIn("carol");
  await c.page.getByRole("button", { name: "New", exact: true }).click();
  await c.page.getByRole("menuitem", { name: "Explore rooms" }).click();
  await c.page.getByLabel("Search public rooms").fill("new");
  await c.page.getByRole("listitem").filter({ hasText: "What is new" }).getByRole("button", { name: "Join" }).click();
  await c.page.getByRole("heading", { name: "New name", level: 1 }).waitFor();

  // Bob may not change it: he reads what it is, and whom to ask.
  await b.page.goto(`/room/${encodeURIComponent(id)}?panel=settings`);
  const panel = b.page.getByRole("complementary");
  await panel.getByText("Only moderators and admins may change the name, the topic, the picture, who may join, and how long messages are kept. Ask Alice Archer.").waitFor();
  await panel.getByText("Only admins may change who may read earlier messages. Ask Alice Archer.").waitFor();
  const read = (title: string) => panel.getByRole("term").filter({ hasText: title }).locator("xpath=following-sibling::dd").first().textContent();
  expect([await read("Name"), await read("Topic"), await read("Who may join"), await read("Who may read earlier messages")]).toEqual(["New name", "What is new", "Everybody in the organisation", "Members, all messages"]);
  expect(await panel.locator("input, textarea, select").count()).toBe(0);
  await b.page.getByText("2 members").or(b.page.getByText("3 members")).first().waitFor();
  expect(await b.accessibility()).toEqual([]);
  for (const p of [a, b, c]) {
    p.clean();
    await p.close();
  }
});

test("a room with a picture that people may ask into: who knocks is seen in the list, and let in by a moderator", async () => {
  const a = await (await Person.open(server)).signIn("alice");
  const b = await (await Person.open(server)).signIn("bob");
  const png = await a.page.screenshot({ clip: { x: 0, y: 0, width: 300, height: 150 } });
  await a.page.getByRole("button", { name: "New", exact: true }).click();
  await a.page.getByRole("menuitem", { name: "New room" }).click();
  await a.page.getByLabel("Name").fill("Closed");
  await a.page.locator("input[type=file]").setInputFiles({ name: "door.png", mimeType: "image/png", buffer: png });
  const crop = a.page.getByRole("dialog", { name: "Choose the part to show" });
  await crop.getByRole("application").press("ArrowRight");
  expect(await a.accessibility()).toEqual([]);
  await a.page.keyboard.press("Escape"); // closes the dialog in front alone
  await crop.waitFor({ state: "detached" });
  await a.page.locator("input[type=file]").setInputFiles({ name: "door.png", mimeType: "image/png", buffer: png });
  await crop.getByRole("button", { name: "Use picture" }).click();
  await a.page.getByRole("radio", { name: "People who ask" }).click();
  await a.page.getByRole("button", { name: "Create room" }).click();
  await a.page.getByRole("heading", { name: "Closed", level: 1 }).waitFor();
  const id = decodeURIComponent(new URL(a.page.url()).pathname.slice("/room/".length));
  const state = (type: string) => alice.call<Record<string, string>>("GET", `/rooms/${encodeURIComponent(id)}/state/${type}/`);
  expect(await state("m.room.join_rules")).toEqual({ join_rule: "knock" });
  const [host, media] = ((await state("m.room.avatar")).url ?? "").slice("mxc://".length).split("/");
  const picture = await fetch(`${server.url}/_matrix/client/v1/media/download/${host}/${media}`, { headers: { Authorization: `Bearer ${alice.token}` } });
  const bytes = Buffer.from(await picture.arrayBuffer());
  // The IHDR chunk of a PNG: width and height of the square that was cut out.
  expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([150, 150]);
  await b.page.goto("/explore");
  const card = b.page.getByRole("listitem").filter({ hasText: "Closed" });
  await card.getByRole("button", { name: "Ask to join" }).click();
  await card.getByLabel(/Why you want to join/).fill("I work there");
  await card.getByRole("button", { name: "Send request" }).click();
  await a.page.getByText("Bob Baker asks to join. “I work there”").waitFor();
  await chat(a, "1 person asks to join").waitFor();
  await a.page.getByRole("button", { name: "Let in" }).click();
  await chat(b, "Closed").click();
  await b.page.getByRole("button", { name: "Accept" }).click();
  await b.page.getByRole("heading", { name: "Closed", level: 1 }).waitFor();
  for (const p of [a, b]) {
    p.clean();
    await p.close();
  }
});

test("a room is upgraded: it goes on in the new one, and the old one leads there", async () => {
  const id = await shared("Archive", [bob], { room_version: "11" });
  const a = await (await Person.open(server)).signIn("alice");
  const b = await (await Person.open(server)).signIn("bob");
  await b.page.goto(`/room/${encodeURIComponent(id)}`);
  await a.page.goto(`/room/${encodeURIComponent(id)}?panel=settings`);
  await a.page.getByRole("button", { name: "Upgrade the room" }).click();
  await a.page.getByText("The room moves from version 11 to version 12").waitFor();
  await a.page.getByRole("button", { name: "Upgrade", exact: true }).click();
  await a.page.waitForURL((u) => u.pathname.startsWith("/room/") && !decodeURIComponent(u.pathname).includes(id));
  await b.page.getByText("This room has moved").waitFor();
  expect(await b.page.getByRole("textbox", { name: "Message" }).count()).toBe(0);
  await b.page.getByRole("button", { name: "Go to the new room" }).click();
  await b.page.getByRole("textbox", { name: "Message" }).waitFor();
  await b.page.getByRole("button", { name: "Archive" }).click();
  await b.page.getByRole("button", { name: "Continues an older room: earlier messages" }).click();
  await b.page.getByText("This room has moved").waitFor();
  // The list shows one of them.
  expect(await chat(b, "Archive").count()).toBe(1);
  for (const p of [a, b]) {
    p.clean();
    await p.close();
  }
});

test("the last admin is warned before leaving", async () => {
  const id = await shared("Orphanage", [bob]);
  const p = await (await Person.open(server)).signIn("alice");
  await p.page.goto(`/room/${encodeURIComponent(id)}?panel=info`);
  expect(await p.accessibility()).toEqual([]);
  await p.page.getByRole("button", { name: "Leave" }).click();
  await p.page.getByText("You are the only admin.").waitFor();
  await p.page.getByRole("dialog").getByRole("button", { name: "Leave" }).click();
  await chat(p, "Orphanage").waitFor({ state: "detached" });
  expect(new URL(p.page.url()).pathname).toBe("/");
  p.clean();
  await p.close();
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { chat, Script } from "./people.ts";
import { Server } from "./server.ts";

let server: Server;
let alice: Script;

beforeAll(async () => {
  server = await Server.start();
  for (const [name, displayName] of Object.entries({ alice: "Alice Archer", bob: "Bob Baker" })) await server.account(name, { displayName });
  alice = await Script.of(server, "alice");
  await alice.makeRoom({ name: "Outside" });
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

test("a department is a space: its rooms are found there and joined without an invitation", async () => {
  const a = await (await Person.open(server)).signIn("alice");
  await a.page.getByRole("button", { name: "Space:" }).click();
  await a.page.getByRole("menuitem", { name: "New space" }).click();
  await a.page.getByLabel("Name").fill("Sales");
  await a.page.getByLabel("Topic").fill("Everything sold");
  expect(await a.accessibility()).toEqual([]);
  await a.page.getByRole("button", { name: "Create space" }).click();
  await a.page.getByRole("heading", { name: "Sales", level: 1 }).waitFor();
  const spaceUrl = a.page.url();
  await a.page.getByRole("button", { name: "New room here" }).click();
  await a.page.getByLabel("Name").fill("Deals");
  expect(await a.page.getByRole("radio", { name: "Members of the space" }).isChecked()).toBe(true);
  await a.page.getByRole("button", { name: "Create room" }).click();
  await a.page.getByRole("heading", { name: "Deals", level: 1 }).waitFor();
  await chat(a, "Outside").waitFor({ state: "detached" });

  await a.page.goto(spaceUrl);
  await a.page.getByRole("button", { name: "More about this space" }).click();
  await a.page.getByRole("menuitem", { name: "Invite people" }).click();
  await a.page.getByRole("textbox", { name: "People" }).fill("Bob");
  await a.page.getByRole("button", { name: /Bob Baker/ }).click();
  await a.page.getByRole("button", { name: "Send invitations" }).click();

  const b = await (await Person.open(server)).signIn("bob");
  await b.page.getByRole("button", { name: "Space:" }).click();
  await b.page.getByRole("menuitem", { name: "Sales" }).click();
  await b.page.getByText("Alice Archer invites you to this space").waitFor();
  await b.page.getByRole("button", { name: "Accept" }).click();
  const deals = b.page.getByRole("listitem").filter({ hasText: "Deals" });
  await deals.getByRole("button", { name: "Join" }).click();
  await b.page.getByRole("heading", { name: "Deals", level: 1 }).waitFor();
  await b.page.getByRole("img", { name: "Encrypted", exact: true }).waitFor();

  // A room that is there already is added, and taken out again.
  await a.page.goto(spaceUrl);
  await a.page.getByRole("button", { name: "Add rooms" }).click();
  await a.page.getByRole("dialog").getByRole("button", { name: "Outside" }).click();
  await a.page.getByRole("dialog").getByRole("button", { name: "Add", exact: true }).click();
  await chat(a, "Outside").waitFor();
  expect(await a.accessibility()).toEqual([]);
  await a.page.getByRole("button", { name: "Take Outside out of the space" }).click();
  await chat(a, "Outside").waitFor({ state: "detached" });
  await a.page.getByRole("button", { name: "Space:" }).click();
  await a.page.getByRole("menuitem", { name: "All chats" }).click();
  await chat(a, "Outside").waitFor();
  for (const p of [a, b]) {
    p.clean();
    await p.close();
  }
});

test("the quick switcher goes to rooms, to people of the organisation, and does things", async () => {
  await server.account("zoe", { displayName: "Zoë Ziegler" });
  const a = await (await Person.open(server)).signIn("alice");
  await a.page.keyboard.press("Control+k");
  await a.page.getByRole("combobox", { name: /Go to a room/ }).fill("zoe");
  await a.page.getByRole("option", { name: /Zoë Ziegler/ }).waitFor();
  expect(await a.accessibility()).toEqual([]);
  await a.page.keyboard.press("Enter");
  await a.page.getByRole("heading", { name: "Zoë Ziegler", level: 1 }).waitFor();
  await a.page.keyboard.press("Control+k");
  await a.page.getByRole("combobox", { name: /Go to a room/ }).fill("outs");
  await a.page.keyboard.press("Enter");
  await a.page.getByRole("heading", { name: "Outside", level: 1 }).waitFor();
  await a.page.keyboard.press("Control+k");
  await a.page.getByRole("combobox", { name: /Go to a room/ }).fill("new room");
  await a.page.keyboard.press("Enter");
  await a.page.getByRole("dialog", { name: "New room" }).waitFor();
  a.clean();
  await a.close();
});

test("on a phone there is the list or the room, and a way back", async () => {
  const a = await (await Person.open(server, { viewport: { width: 360, height: 740 }, colorScheme: "dark" })).signIn("alice");
  expect(await a.accessibility()).toEqual([]);
  await chat(a, "Outside").click();
  await a.page.getByRole("heading", { name: "Outside", level: 1 }).waitFor();
  expect(await a.page.getByRole("list", { name: "Chats" }).isVisible()).toBe(false);
  expect(await a.page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  expect(await a.accessibility()).toEqual([]);
  await a.page.getByRole("button", { name: "Back to the chats" }).click();
  await a.page.getByRole("list", { name: "Chats" }).waitFor();
  a.clean();
  await a.close();
});

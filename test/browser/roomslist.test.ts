import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { chat, Script } from "./people.ts";
import { Server } from "./server.ts";

let server: Server;
const people = { alice: "Alice Archer", bob: "Bob Baker", carol: "Carol Carter" };

beforeAll(async () => {
  // Scripts speak without encryption here; the app asks for it by itself.
  server = await Server.start({ CONCLAVE_ROOMS_ENCRYPT: "false" });
  for (const [name, displayName] of Object.entries(people)) await server.account(name, { displayName });
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

test("two people find each other by name and talk; the second time the same chat is opened", async () => {
  const alice = await (await Person.open(server)).signIn("alice");
  const bob = await (await Person.open(server)).signIn("bob");
  const start = async () => {
    await alice.page.getByRole("button", { name: "New", exact: true }).click();
    await alice.page.getByRole("menuitem", { name: "New chat" }).click();
    await alice.page.getByRole("textbox", { name: "People" }).fill("Bob");
    await alice.page.getByRole("button", { name: /Bob Baker/ }).click();
    await alice.page.getByRole("button", { name: "Start chat" }).click();
    await alice.page.getByRole("heading", { name: "Bob Baker", level: 1 }).waitFor();
  };
  await start();
  const first = alice.page.url();
  await alice.page.getByRole("img", { name: "Encrypted", exact: true }).waitFor();

  // The invitation says who invites, and is accepted.
  await chat(bob, /Alice Archer.*invites you/s).click();
  await bob.page.getByText("Alice Archer wants to chat with you").waitFor();
  expect(await bob.accessibility()).toEqual([]);
  await bob.page.getByRole("button", { name: "Accept" }).click();
  await bob.page.getByRole("heading", { name: "Alice Archer", level: 1 }).waitFor();
  await bob.page.getByRole("textbox", { name: "Message" }).fill("Good morning, Alice");
  await bob.page.getByRole("textbox", { name: "Message" }).press("Enter");
  await chat(alice, /Bob Baker.*Good morning, Alice/s).waitFor();
  await chat(bob, /You: Good morning, Alice/).waitFor();

  await alice.page.goto("/");
  await start();
  expect(alice.page.url()).toBe(first);
  for (const p of [alice, bob]) {
    p.clean();
    await p.close();
  }
});

test("several people become a group; one declines", async () => {
  const alice = await (await Person.open(server)).signIn("alice");
  const carol = await (await Person.open(server)).signIn("carol");
  await alice.page.getByRole("button", { name: "New", exact: true }).click();
  await alice.page.getByRole("menuitem", { name: "New chat" }).click();
  for (const name of ["Bob Baker", "Carol Carter"]) {
    await alice.page.getByRole("textbox", { name: "People" }).fill(name);
    await alice.page.getByRole("button", { name: new RegExp(`${name}.*localhost`, "s") }).click();
  }
  await alice.page.getByLabel("Name of the group").fill("Spring fair");
  await alice.page.getByRole("button", { name: "Start group" }).click();
  await alice.page.getByRole("heading", { name: "Spring fair", level: 1 }).waitFor();

  await chat(carol, /Spring fair/).click();
  await carol.page.getByText("Alice Archer invites you to this room").waitFor();
  await carol.page.getByRole("button", { name: "Decline", exact: true }).click();
  await chat(carol, /Spring fair/).waitFor({ state: "detached" });
  await alice.page.getByRole("button", { name: "Members" }).first().click();
  await alice.page.getByRole("listitem").filter({ hasText: "Bob Baker" }).getByText("Invited").waitFor();
  await alice.page.getByRole("listitem").filter({ hasText: "Carol Carter" }).waitFor({ state: "detached" });
  for (const p of [alice, carol]) {
    p.clean();
    await p.close();
  }
});

test("whoever is ignored with the invitation stays out of sight", async () => {
  const bob = await Script.of(server, "bob");
  const carol = await (await Person.open(server)).signIn("carol");
  await bob.makeRoom({ name: "Unwanted", invite: ["@carol:localhost"] });
  await chat(carol, /Unwanted/).click();
  await carol.page.getByRole("button", { name: "Decline and ignore Bob Baker" }).click();
  await chat(carol, /Unwanted/).waitFor({ state: "detached" });
  const me = await Script.of(server, "carol");
  const ignored = await server.api<{ ignored_users: object }>("GET", "/_matrix/client/v3/user/@carol:localhost/account_data/m.ignored_user_list", me.token);
  expect(Object.keys(ignored.ignored_users)).toEqual(["@bob:localhost"]);
  carol.clean();
  await carol.close();
});

test("the list is ordered by what needs attention, and the context menu changes that", async () => {
  const dave = "dave";
  await server.account(dave, { displayName: "Dave Dunn" });
  const carol = await Script.of(server, "carol");
  const ids: Record<string, string> = {};
  for (const name of ["Quiet", "Unread", "Mentioned"]) {
    ids[name] = await carol.makeRoom({ name, invite: ["@dave:localhost"] });
    const d = await Script.of(server, dave);
    await d.call("POST", `/join/${encodeURIComponent(ids[name])}`, {});
  }
  const p = await (await Person.open(server)).signIn(dave);
  const names = () => p.page.getByRole("list", { name: "Chats" }).getByRole("link").evaluateAll((links) => links.map((l) => /Quiet|Unread|Mentioned|Invitation to/.exec(l.textContent ?? "")?.[0]));
  await expect.poll(async () => (await names()).length).toBe(3);
  await carol.text(ids.Mentioned as string, "Dave, look", { "m.mentions": { user_ids: ["@dave:localhost"] } });
  await expect.poll(names).toEqual(["Mentioned", "Unread", "Quiet"]);
  await carol.text(ids.Unread as string, "news");
  await expect.poll(names).toEqual(["Mentioned", "Unread", "Quiet"]);
  await p.page.getByRole("img", { name: "1 mention" }).waitFor();
  await p.page.getByRole("img", { name: "1 unread message" }).waitFor();

  await chat(p, /Mentioned/).click({ button: "right" });
  await p.page.getByRole("menuitem", { name: "Mark as read" }).click();
  await expect.poll(names).toEqual(["Unread", "Mentioned", "Quiet"]);
  await chat(p, /Quiet/).click({ button: "right" });
  await p.page.getByRole("menuitem", { name: "Mark as unread" }).click();
  await p.page.getByRole("img", { name: "Marked as unread" }).waitFor();
  await expect.poll(names).toEqual(["Unread", "Quiet", "Mentioned"]);
  // Muted: the badge goes, and new messages do not lift it.
  await chat(p, /Unread/).click({ button: "right" });
  await p.page.getByRole("menuitemradio", { name: "None" }).click();
  await p.page.getByRole("img", { name: "Muted" }).waitFor();
  await chat(p, /Mentioned/).click({ button: "right" });
  await p.page.getByRole("menuitem", { name: "Add to favourites" }).click();
  await p.page.getByRole("img", { name: "Favourite" }).waitFor();
  await expect.poll(names).toEqual(["Quiet", "Mentioned", "Unread"]);

  await carol.makeRoom({ name: "Invitation to it", invite: ["@dave:localhost"] });
  await expect.poll(names).toEqual(["Invitation to", "Quiet", "Mentioned", "Unread"]);
  // Keys: down from the filter into the list, and on.
  await p.page.getByRole("searchbox", { name: "Filter" }).press("ArrowDown");
  await p.page.keyboard.press("ArrowDown");
  await expect.poll(() => p.page.evaluate(() => document.activeElement?.textContent ?? "")).toContain("Quiet");
  await p.page.getByRole("searchbox", { name: "Filter" }).fill("ment");
  await expect.poll(names).toEqual(["Mentioned"]);
  await p.page.keyboard.press("Escape");
  await expect.poll(async () => (await names()).length).toBe(4);
  // From chat to chat, and to what is unread; one can go on writing there.
  await p.page.keyboard.press("Alt+ArrowDown");
  await p.page.getByText("Carol Carter invites you to this room").waitFor();
  await p.page.keyboard.press("Alt+Shift+ArrowDown");
  await p.page.getByRole("heading", { name: "Quiet", level: 1 }).waitFor();
  await expect.poll(() => p.page.evaluate(() => document.activeElement?.getAttribute("aria-label"))).toBe("Message");
  await p.page.getByRole("img", { name: "Marked as unread" }).waitFor({ state: "detached" });
  await p.page.keyboard.press("Alt+Shift+ArrowUp");
  await p.page.getByRole("heading", { name: "Unread", level: 1 }).waitFor();
  await p.page.keyboard.press("Control+/");
  const keys = p.page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await keys.getByRole("region", { name: "List of chats" }).getByText("Next unread chat").waitFor();
  expect(await p.accessibility()).toEqual([]);
  await p.page.keyboard.press("Escape");
  await keys.waitFor({ state: "detached" });
  p.clean();
  await p.close();
});

test("500 rooms stay a list of some thirty rows", async () => {
  await server.account("erin", { displayName: "Erin Ellis" });
  const erin = await Script.of(server, "erin");
  for (let i = 0; i < 500; i += 25) await Promise.all(Array.from({ length: 25 }, (_, j) => erin.makeRoom({ name: `Project ${i + j + 1}` })));
  const p = await (await Person.open(server)).signIn("erin");
  const list = p.page.getByRole("list", { name: "Chats" });
  await expect.poll(() => list.getByRole("listitem").first().getAttribute("aria-setsize"), { timeout: 60_000 }).toBe("500");
  expect(await list.getByRole("listitem").count()).toBeLessThan(40);
  await list.getByRole("link").first().focus();
  await p.page.keyboard.press("End");
  await expect.poll(() => p.page.evaluate(() => document.activeElement?.closest("li")?.getAttribute("aria-posinset"))).toBe("500");
  expect(await list.getByRole("listitem").count()).toBeLessThan(40);

  await p.page.keyboard.press("Control+k");
  await p.page.getByRole("combobox").fill("proj 321");
  await p.page.getByRole("option", { name: "Project 321" }).waitFor();
  await p.page.keyboard.press("Enter");
  await p.page.getByRole("heading", { name: "Project 321", level: 1 }).waitFor();
  p.clean();
  await p.close();
});

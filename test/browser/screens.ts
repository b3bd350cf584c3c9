import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { openRoom, Script } from "./people.ts";
import { Server } from "./server.ts";

/*
 * The pictures of docs/screens: the main views, on a desktop and a phone, light and dark. Everything in them was typed and clicked by the
 * people of this file, as in the tests.
 */
const folder = path.resolve(import.meta.dirname, "../../docs/screens");
const people = {
  alice: "Alice Archer", bob: "Bob Baker", carol: "Carol Clark", dmitri: "Dmitri Danilov", emma: "Emma Engel", farid: "Farid Faruqi", grace: "Grace Green",
};
const devices = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

let server: Server;
let alice: Person;
let desk: string;
const rooms: Record<string, string> = {};

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  server = await Server.start({ CONCLAVE_ORGANISATION: "Meridian Bank" });
  for (const [name, displayName] of Object.entries(people)) await server.account(name, { displayName, admin: name === "alice" });
  const scripts = new Map<string, Script>();
  for (const name of Object.keys(people)) scripts.set(name, await Script.of(server, name));
  const by = (name: string): Script => scripts.get(name) as Script;
  const make = async (owner: string, name: string, others: string[], topic = "") => {
    const id = await by(owner).room(name, others);
    if (topic) await by(owner).call("PUT", `/rooms/${encodeURIComponent(id)}/state/m.room.topic/`, { topic });
    for (const o of others) await by(o).join(id);
    rooms[name] = id;
    return id;
  };
  await make("grace", "Canteen", ["alice", "bob", "emma"]);
  await make("dmitri", "Risk committee", ["alice", "carol"], "Limits, breaches, Mondays at ten");
  await make("emma", "Onboarding", ["alice", "farid"]);
  desk = await make("bob", "Rates desk", ["alice", "carol", "dmitri", "emma"], "Client flow and market colour. No orders here.");
  const direct = await by("alice").call<{ room_id: string }>("POST", "/createRoom", { preset: "trusted_private_chat", is_direct: true, invite: ["@carol:localhost"] });
  await by("carol").join(direct.room_id);
  await by("alice").call("PUT", "/user/@alice:localhost/account_data/m.direct", { "@carol:localhost": [direct.room_id] });
  await by("farid").room("Year-end party", ["alice"]);

  alice = await (await Person.open(server)).signIn("alice");
  const bob = await (await Person.open(server)).signIn("bob");
  const carol = await (await Person.open(server)).signIn("carol");
  const emma = await (await Person.open(server)).signIn("emma");
  await openRoom(alice, desk);
  await openRoom(bob, desk);
  await openRoom(carol, desk);
  await write(bob.page, "Morning all. ECB minutes are out at 13:30, please keep the line free until then.");
  await seen(alice.page, "Morning all");
  await write(carol.page, "The pension fund asked for a 10y swap level again. Same size as last week.");
  await seen(alice.page, "The pension fund asked");
  await write(bob.page, "I have it. They get a **firm** level after the minutes: 250m, pay fixed, T+2.");
  await seen(alice.page, "250m, pay fixed");
  await act(alice.page, "Same size as last week", "Reply");
  await write(alice.page, "Please note it in the deal log as soon as it is done.");
  await write(alice.page, "The `dv01` is 224k on my sheet, can somebody check?");
  await seen(bob.page, "224k on my sheet");
  await act(bob.page, "224k on my sheet", "React with 👍");
  await act(carol.page, "224k on my sheet", "React with 👍");
  await act(bob.page, "224k on my sheet", "Reply in thread");
  const thread = bob.page.getByRole("complementary").getByRole("textbox", { name: "Message", exact: true });
  await thread.fill("224.3 here. Good enough.");
  await thread.press("Enter");
  await openRoom(carol, direct.room_id);
  await write(carol.page, "Lunch at half past twelve?");
  await alice.page.getByRole("list", { name: "Chats" }).getByText("Lunch at half past twelve?").waitFor();
  await openRoom(emma, rooms.Onboarding ?? "");
  await write(emma.page, "The new starters are in on Monday, badges are at the desk.");
  await openRoom(emma, rooms.Canteen ?? "");
  await write(emma.page, "Today: lentil soup, fish pie, rhubarb crumble.");
  await alice.page.getByRole("list", { name: "Chats" }).getByText("rhubarb crumble").waitFor();
  await emma.close();
  await bob.close();
  await carol.close();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

const log = (p: Page) => p.getByRole("log", { name: "Messages", exact: true });
const seen = (p: Page, text: string) => log(p).getByRole("article").filter({ hasText: text }).first().waitFor();

async function write(p: Page, text: string): Promise<void> {
  const box = p.getByRole("main").getByRole("textbox", { name: "Message", exact: true });
  await box.fill(text);
  await box.press("Enter");
  await p.getByRole("log", { name: "Messages", exact: true }).getByRole("article").filter({ hasText: text.replaceAll(/[*`]/g, "").slice(0, 12) }).first().waitFor();
}

async function act(p: Page, text: string, name: string): Promise<void> {
  await log(p).getByRole("article").filter({ hasText: text }).first().click({ button: "right", position: { x: 70, y: 8 } });
  await p.getByRole("menu").getByRole("menuitem", { name, exact: true }).click();
}

/** Opens a view; what it waits for is the sign that it is complete. */
const views: Record<string, (p: Page) => Promise<void>> = {
  chats: async (p) => {
    await p.goto("/");
    await p.getByRole("list", { name: "Chats" }).getByText("Rates desk").waitFor();
  },
  chat: async (p) => {
    await p.goto(`/room/${encodeURIComponent(desk)}`);
    await seen(p, "224k on my sheet");
  },
  thread: async (p) => {
    await p.goto(`/room/${encodeURIComponent(desk)}?panel=threads`);
    await p.getByRole("list", { name: "Threads" }).getByText("1 reply").waitFor();
  },
  members: async (p) => {
    await p.goto(`/room/${encodeURIComponent(desk)}?panel=members`);
    await p.getByRole("list", { name: "Members" }).getByText("Emma Engel").waitFor();
  },
  room: async (p) => {
    await p.goto(`/room/${encodeURIComponent(desk)}?panel=settings`);
    await p.getByRole("complementary").getByRole("heading").first().waitFor();
  },
  profile: (p) => page(p, "/settings/profile"),
  encryption: (p) => page(p, "/settings/encryption"),
  devices: (p) => page(p, "/settings/devices"),
  dashboard: (p) => page(p, "/admin/dashboard"),
  people: async (p) => {
    await page(p, "/admin/people");
    await p.getByText("Grace Green").first().waitFor();
  },
  audit: async (p) => page(p, "/admin/audit"),
};

async function page(p: Page, address: string): Promise<void> {
  await p.goto(address);
  await p.getByRole("heading", { level: 1 }).first().waitFor();
}

async function shoot(p: Page, name: string, wait: () => Promise<void>): Promise<void> {
  for (const [device, size] of Object.entries(devices)) {
    await p.setViewportSize(size);
    for (const scheme of ["light", "dark"] as const) {
      await p.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await wait();
      await p.waitForTimeout(1000); // pictures and transitions: nothing but the beauty of the picture depends on it
      await p.screenshot({ path: path.join(folder, `${name}-${device}-${scheme}.png`) });
    }
  }
}

test("sign-in", async () => {
  const p = await Person.open(server);
  await shoot(p.page, "signin", async () => {
    await p.page.goto("/");
    await p.page.getByRole("button", { name: "Sign in" }).waitFor();
  });
  await p.close();
});

test.each(Object.keys(views))("%s", async (name) => {
  await shoot(alice.page, name, () => (views[name] as (p: Page) => Promise<void>)(alice.page));
});

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { closeBrowser, Person } from "./browser.ts";
import { openRoom, Script } from "./people.ts";
import { Server } from "./server.ts";

let server: Server;
let alice: Person;
let bob: Script;

beforeAll(async () => {
  server = await Server.start({ CONCLAVE_ROOMS_ENCRYPT: "false" });
  await server.account("alice", { displayName: "Alice Archer" });
  await server.account("bob", { displayName: "Bob Baker" });
  bob = await Script.of(server, "bob");
  alice = await (await Person.open(server)).signIn("alice");
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

/** A room of Bob's with Alice in it and so many messages; she has read up to one of them if told. */
async function roomWith(name: string, count: number, readTo?: number): Promise<string> {
  const room = await bob.room(name, ["alice"]);
  const script = await Script.of(server, "alice");
  await script.join(room);
  const ids: string[] = [];
  for (let i = 1; i <= count; i++) ids.push(await bob.text(room, `message ${i}`));
  const read = readTo === undefined ? undefined : ids[readTo - 1];
  if (read !== undefined) await script.call("POST", `/rooms/${encodeURIComponent(room)}/read_markers`, { "m.fully_read": read, "m.read": read });
  return room;
}

const log = (page: Page) => page.getByRole("log", { name: "Messages" });
const message = (page: Page, text: string) => log(page).getByText(text, { exact: true });

/** Where a text stands in the window, in whole pixels. */
async function topOf(page: Page, text: string): Promise<number> {
  return Math.round((await message(page, text).boundingBox())?.y ?? NaN);
}

const scrollTop = (page: Page) => log(page).evaluate((e) => Math.round(e.scrollTop));
const rowCount = (page: Page) => log(page).getByRole("article").count();

test("a room opens at the first unread message, and the line above it stays where it is", async () => {
  const { page } = alice;
  const room = await roomWith("Unread", 120, 60);
  await openRoom(alice, room);
  const line = log(page).getByRole("separator", { name: "New messages" });
  await line.waitFor();
  const box = await line.boundingBox();
  const frame = await log(page).boundingBox();
  if (!box || !frame) throw new Error("nothing to see");
  expect(box.y).toBeGreaterThan(frame.y);
  expect(box.y).toBeLessThan(frame.y + frame.height);
  const [before, after] = [await topOf(page, "message 60"), await topOf(page, "message 61")];
  expect(before).toBeLessThan(box.y);
  expect(after).toBeGreaterThan(box.y);
  const jump = page.getByRole("button", { name: /^Jump to latest: \d+ new messages$/ });
  await jump.waitFor();
  await log(page).press("Escape");
  await message(page, "message 120").waitFor();
  await jump.waitFor({ state: "hidden" });
  // Everything was on the screen now: the server knows it.
  await expect.poll(async () => (await bob.server.api<{ rooms?: { join?: Record<string, { unread_notifications?: { notification_count?: number } }> } }>("GET", "/_matrix/client/v3/sync", await server.token("alice"))).rooms?.join?.[room]?.unread_notifications?.notification_count, { timeout: 20_000 }).toBe(0);
  alice.clean();
});

test("300 messages load backwards while the visible ones stay where they are, and the page stays small", async () => {
  const { page } = alice;
  const room = await roomWith("Long", 330);
  await openRoom(alice, room);
  await message(page, "message 330").waitFor();
  // Counts how far anything visible moves when rows come in above: scrolling by hand is the only reason to move.
  await log(page).evaluate((box) => {
    const w = window as unknown as { jumps: number[]; quiet: boolean };
    w.jumps = [];
    const visible = () => new Map([...box.querySelectorAll<HTMLElement>("[data-row]")].map((r) => [r.dataset.row, r.getBoundingClientRect()] as const).filter(([, r]) => r.bottom > 60 && r.top < innerHeight - 100).map(([k, r]) => [k, r.top] as const));
    let last = visible();
    let scrolled = box.scrollTop;
    const look = () => {
      const now = visible();
      if (!w.quiet) for (const [key, top] of now) {
        const was = last.get(key);
        if (was !== undefined && Math.abs(top - was) > 1) w.jumps.push(Math.round(top - was));
      }
      w.quiet = false;
      last = now;
      scrolled = box.scrollTop;
      requestAnimationFrame(look);
    };
    void scrolled;
    requestAnimationFrame(look);
  });
  let most = 0;
  for (let i = 0; i < 80 && (await message(page, "message 1").count()) === 0; i++) {
    await log(page).evaluate(async (box) => {
      const w = window as unknown as { quiet: boolean };
      w.quiet = true;
      box.scrollTop -= 700;
      await new Promise(requestAnimationFrame);
      w.quiet = true;
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
    });
    most = Math.max(most, await rowCount(page));
  }
  await message(page, "message 1").waitFor();
  expect(await page.evaluate(() => (window as unknown as { jumps: number[] }).jumps)).toEqual([]);
  expect(most).toBeLessThan(300);
  // Forwards again, to the end.
  for (let i = 0; i < 80 && (await message(page, "message 330").count()) === 0; i++) {
    await log(page).evaluate(async (box) => {
      const w = window as unknown as { quiet: boolean };
      w.quiet = true;
      box.scrollTop += 700;
      await new Promise(requestAnimationFrame);
      w.quiet = true;
      await new Promise(requestAnimationFrame);
      await new Promise(requestAnimationFrame);
    });
  }
  await message(page, "message 330").waitFor();
  expect(await page.evaluate(() => (window as unknown as { jumps: number[] }).jumps)).toEqual([]);
  alice.clean();
});

test("at the end the timeline follows what arrives; scrolled up it stays and counts", async () => {
  const { page } = alice;
  const room = await roomWith("Following", 40);
  await openRoom(alice, room);
  await message(page, "message 40").waitFor();
  await bob.text(room, "one more");
  await message(page, "one more").waitFor();
  await expect.poll(() => log(page).evaluate((b) => Math.round(b.scrollHeight - b.scrollTop - b.clientHeight))).toBeLessThan(3);
  await log(page).evaluate((b) => (b.scrollTop -= 500));
  const jump = page.getByRole("button", { name: "Jump to latest", exact: true });
  await jump.waitFor();
  const at = await scrollTop(page);
  await bob.text(room, "behind your back");
  await page.getByRole("button", { name: "Jump to latest: 1 new message" }).click();
  await message(page, "behind your back").waitFor();
  expect(await scrollTop(page)).toBeGreaterThan(at);
  alice.clean();
});

test("an address of a message opens there, and a date leads to its first message", async () => {
  const { page } = alice;
  const room = await roomWith("Jumping", 100);
  const found = await bob.call<{ chunk: { event_id: string; content: { body?: string } }[] }>("GET", `/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=200`);
  const id = found.chunk.find((e) => e.content.body === "message 20")?.event_id ?? "";
  await openRoom(alice, room, `?event=${encodeURIComponent(id)}`);
  await message(page, "message 20").waitFor();
  const frame = await log(page).boundingBox();
  const top = await topOf(page, "message 20");
  expect(top).toBeGreaterThan(frame?.y ?? 0);
  expect(top).toBeLessThan((frame?.y ?? 0) + (frame?.height ?? 0));
  await page.getByRole("button", { name: "Jump to latest" }).click();
  await message(page, "message 100").waitFor();
  // The day's line is above; it leads to the beginning.
  await openRoom(alice, room, `?event=${encodeURIComponent(found.chunk.at(-1)?.event_id ?? "")}`);
  await page.getByRole("button", { name: /Jump to a date/ }).click();
  await page.getByRole("button", { name: "Jump", exact: true }).click();
  await log(page).getByRole("button", { name: /^\d+ changes: / }).click();
  await log(page).getByText("Bob Baker created this room").waitFor();
  await message(page, "message 1").waitFor();
  alice.clean();
});

test("a poll is voted in, shows its votes, and ends", async () => {
  const { page } = alice;
  const room = await roomWith("Poll", 3);
  const unstable = "org.matrix.msc3381.poll";
  const answers = [["a", "Pizza"], ["b", "Salad"]].map(([id, text]) => ({ id, "org.matrix.msc1767.text": text }));
  const poll = await bob.send(room, { [`${unstable}.start`]: { question: { "org.matrix.msc1767.text": "Lunch?" }, kind: `${unstable}.disclosed`, max_selections: 1, answers } }, `${unstable}.start`);
  const reference = { "m.relates_to": { rel_type: "m.reference", event_id: poll } };
  await bob.send(room, { ...reference, [`${unstable}.response`]: { answers: ["b"] } }, `${unstable}.response`);
  await openRoom(alice, room);
  const group = log(page).getByRole("group", { name: "Lunch?" });
  await group.getByText("1 person voted").waitFor();
  await group.getByRole("radio", { name: /^Pizza/ }).check();
  await group.getByText("2 people voted").waitFor();
  await group.getByRole("radio", { name: /^Salad/ }).check();
  await group.getByRole("radio", { name: "Salad 2 votes" }).waitFor();
  await bob.send(room, { ...reference, [`${unstable}.end`]: {} }, `${unstable}.end`);
  await group.getByText("Ended. 2 people voted").waitFor();
  expect(await group.getByRole("radio", { name: /^Pizza/ }).isDisabled()).toBe(true);
  alice.clean();
});

test("who is typing is said under the messages", async () => {
  const { page } = alice;
  const room = await roomWith("Typing", 3);
  await openRoom(alice, room);
  await message(page, "message 3").waitFor();
  await bob.call("PUT", `/rooms/${encodeURIComponent(room)}/typing/@bob:localhost`, { typing: true, timeout: 30_000 });
  await page.getByText("Bob Baker is typing").waitFor();
  await bob.call("PUT", `/rooms/${encodeURIComponent(room)}/typing/@bob:localhost`, { typing: false });
  await page.getByText("Bob Baker is typing").waitFor({ state: "hidden" });
  alice.clean();
});

test("a foreign message cannot act: it is shown without what could run, fetch or cover the page", async () => {
  const { page } = alice;
  const room = await roomWith("Hostile", 1);
  const html = '<img src=x onerror="document.title=1"><a href="javascript:document.title=1">click</a><div style="position:fixed;inset:0">cover</div><svg onload="document.title=1"></svg><iframe src="/"></iframe> harmless';
  await bob.send(room, { msgtype: "m.text", body: "x", format: "org.matrix.custom.html", formatted_body: html });
  await openRoom(alice, room);
  const shown = log(page).getByRole("article").filter({ hasText: "harmless" });
  await shown.waitFor();
  expect(await shown.locator("iframe, [onerror], [style*=fixed], a[href^=javascript]").count()).toBe(0);
  expect(await page.title()).not.toBe("1");
  // Chromium tells of handlers and styles in the inert document that is cleaned, too; it runs none of them.
  const said = alice.complaints.splice(0);
  expect(said.filter((c) => !/inline (event handler|style) violates/.test(c))).toEqual([]);
});

test("a person of another organisation is marked on every message, where it is answered and when mentioned", async () => {
  const { page } = alice;
  // There is no other organisation to speak with here: the page hears that Bob is of one.
  await page.route(/_matrix\/client\/.*(sync|messages|members|event|relations|context)/, async (route) => {
    if (route.request().method() !== "GET") return route.fallback();
    const response = await route.fetch();
    return route.fulfill({ response, body: (await response.text()).replaceAll("@bob:localhost", "@bob:partner.example") });
  });
  const room = await roomWith("With a partner", 2);
  await openRoom(alice, room);
  const own = page.getByRole("textbox", { name: "Message", exact: true });
  await message(page, "message 2").waitFor();
  const marked = log(page).getByRole("article", { name: /^Bob Baker \(external\), / });
  expect(await marked.count()).toBe(2);
  await marked.first().getByTitle("Not of this organisation: partner.example").waitFor();
  await message(page, "message 1").click({ button: "right", position: { x: 5, y: 5 } });
  await page.getByRole("menuitem", { name: "Reply", exact: true }).click();
  await own.fill("answered");
  await own.press("Enter");
  await log(page).getByRole("article", { name: /^Alice Archer, / }).getByText("External").waitFor();
  await own.pressSequentially("@bo");
  await page.getByRole("option", { name: /Bob Baker.*External/s }).waitFor();
  await own.fill("");
  await page.unrouteAll({ behavior: "ignoreErrors" }); // a sync may be under way
});

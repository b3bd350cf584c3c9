import { afterAll, beforeAll, expect, test } from "vitest";
import type { Locator, Page } from "playwright-core";
import { closeBrowser, Person } from "./browser.ts";
import { openRoom, Script } from "./people.ts";
import { Server } from "./server.ts";

let server: Server;
let alice: Person;
let bob: Person;
let room: string;
/** A room with a message from before alice was there. */
let early: string;

/** A message whose key nobody has. */
function lockedMessage(session: string) {
  // Spec: olm docs/megolm.md: version, index, length and ciphertext, then a MAC of 8 bytes and a signature of 64.
  const ciphertext = Buffer.concat([Buffer.from([3, 8, 0, 0x12, 16]), Buffer.alloc(16 + 8 + 64, 7)]).toString("base64").replaceAll("=", "");
  return { algorithm: "m.megolm.v1.aes-sha2", ciphertext, session_id: session, sender_key: "A".repeat(43), device_id: "ELSEWHERE" };
}

beforeAll(async () => {
  server = await Server.start();
  await server.account("alice", { displayName: "Alice Archer", admin: true });
  await server.account("bob", { displayName: "Bob Baker" });
  const script = await Script.of(server, "alice");
  room = await script.room("Encrypted", ["bob"]);
  await script.room("Elsewhere");
  const bobs = await Script.of(server, "bob");
  await bobs.join(room);
  early = await bobs.room("Early");
  await bobs.call("PUT", `/rooms/${encodeURIComponent(early)}/state/m.room.history_visibility/`, { history_visibility: "shared" });
  await bobs.send(early, lockedMessage("before"), "m.room.encrypted");
  await bobs.call("POST", `/rooms/${encodeURIComponent(early)}/invite`, { user_id: "@alice:localhost" });
  await (await Script.of(server, "alice")).join(early);
  await script.call("PUT", `/rooms/${encodeURIComponent(room)}/state/m.room.power_levels/`, {
    ...(await script.call(`GET`, `/rooms/${encodeURIComponent(room)}/state/m.room.power_levels/`)),
    users: { "@bob:localhost": 50 },
  });
  alice = await (await Person.open(server)).signIn("alice");
  bob = await (await Person.open(server)).signIn("bob");
  await openRoom(alice, room);
  await openRoom(bob, room);
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

const log = (p: Page) => p.getByRole("log", { name: "Messages", exact: true });
const message = (p: Page, text: string): Locator => log(p).getByRole("article").filter({ hasText: text });
const box = (p: Page) => p.getByRole("main").getByRole("textbox", { name: "Message", exact: true });

async function write(p: Page, text: string): Promise<void> {
  await box(p).fill(text);
  await box(p).press("Enter");
}

/** Chooses an act from a message's menu. */
async function act(p: Page, text: string, name: string): Promise<void> {
  await message(p, text).click({ button: "right", position: { x: 70, y: 8 } });
  await p.getByRole("menu").getByRole("menuitem", { name, exact: true }).click();
}

test("two people talk, encrypted: what one writes the other reads, once", async () => {
  await write(alice.page, "Shall we begin?");
  await message(bob.page, "Shall we begin?").waitFor();
  await write(bob.page, "Yes, at nine");
  await message(alice.page, "Yes, at nine").waitFor();
  expect(await message(alice.page, "Shall we begin?").count()).toBe(1);
  expect(await message(bob.page, "Yes, at nine").count()).toBe(1);
  const raw = await (await Script.of(server, "bob")).call<{ chunk: { type: string }[] }>("GET", `/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=2`);
  expect(raw.chunk.map((e) => e.type)).toEqual(["m.room.encrypted", "m.room.encrypted"]);
  // Bob sees who has read it.
  await message(bob.page, "Yes, at nine").getByRole("img", { name: "Read by Alice Archer" }).waitFor();
});

test("a message that cannot be read says why, once for those that follow each other, and changes in place", async () => {
  const bobs = await Script.of(server, "bob");
  await openRoom(alice, early);
  const rows = log(alice.page).locator("[data-kind]");
  await rows.getByText("A message from Bob Baker from before this device could read along").waitFor();
  await rows.getByText("It was sent when you were not in this room.").waitFor();
  for (const session of ["later", "later"]) await bobs.send(early, lockedMessage(session), "m.room.encrypted");
  await rows.getByText("Waiting for the keys of 2 messages from Bob Baker").waitFor();
  const messages = { "@alice:localhost": { "*": { algorithm: "m.megolm.v1.aes-sha2", room_id: early, session_id: "later", sender_key: "A".repeat(43), code: "m.unauthorised", reason: "no" } } };
  await bobs.call("PUT", `/sendToDevice/m.room_key.withheld/${crypto.randomUUID()}`, { messages });
  await rows.getByText("Bob Baker sent 2 messages whose keys this device did not get").waitFor();
  await rows.getByText("The sender's device did not share the key with this device.").waitFor();
  expect(await rows.count()).toBe(2);
  await openRoom(alice, room);
});

test("a reaction is counted for both, and taken back by a second click", async () => {
  await message(bob.page, "Shall we begin?").click({ button: "right", position: { x: 70, y: 8 } });
  await bob.page.getByRole("menu").getByRole("menuitem", { name: "React with 👍" }).click();
  await message(alice.page, "Shall we begin?").getByRole("button", { name: "👍 1: Bob Baker" }).click();
  await message(bob.page, "Shall we begin?").getByRole("button", { name: /^👍 2: / }).click();
  await message(alice.page, "Shall we begin?").getByRole("button", { name: "👍 1: Alice Archer" }).waitFor();
});

test("an answer shows what it answers, and an edit its earlier versions", async () => {
  await act(bob.page, "Shall we begin?", "Reply");
  await write(bob.page, "In the small room");
  const answer = message(alice.page, "In the small room");
  await answer.getByRole("button", { name: /Alice Archer\s*Shall we begin\?/ }).waitFor();
  await act(bob.page, "In the small room", "Edit");
  await expect.poll(() => box(bob.page).inputValue()).toBe("In the small room");
  await write(bob.page, "In the big room");
  await message(alice.page, "In the big room").getByText("(edited)").waitFor();
  expect(await log(alice.page).getByText("In the small room").count()).toBe(0);
  await act(alice.page, "In the big room", "Earlier versions");
  const dialog = alice.page.getByRole("dialog", { name: "Versions of this message" });
  await dialog.getByText("In the small room").waitFor();
  await alice.page.keyboard.press("Escape");
});

test("a thread has its own conversation, with a line under its first message", async () => {
  await act(alice.page, "Yes, at nine", "Reply in thread");
  const panel = alice.page.getByRole("complementary");
  await panel.getByRole("log", { name: "Messages of the thread" }).getByText("Yes, at nine").waitFor();
  await panel.getByRole("textbox", { name: "Message", exact: true }).fill("Nine is early");
  await panel.getByRole("textbox", { name: "Message", exact: true }).press("Enter");
  await panel.getByRole("log").getByText("Nine is early").waitFor();
  expect(await log(alice.page).getByRole("article").filter({ hasText: /^.*Nine is early$/ }).count()).toBeLessThanOrEqual(1);
  await message(bob.page, "Yes, at nine").getByRole("button", { name: /1 reply/ }).click();
  await bob.page.getByRole("log", { name: "Messages of the thread" }).getByText("Nine is early").waitFor();
  await bob.page.getByRole("button", { name: "All threads" }).click();
  await bob.page.getByRole("list", { name: "Threads" }).getByText("1 reply").waitFor();
  for (const p of [alice, bob]) await p.page.getByRole("button", { name: "Close", exact: true }).click();
});

test("a message's source is shown, it is reported, and forwarded unless policy says no", async () => {
  const { page } = alice;
  await act(page, "Yes, at nine", "View source");
  const source = page.getByRole("dialog", { name: "Source" });
  expect(JSON.parse((await source.getByLabel("Decrypted content").textContent()) ?? "")).toMatchObject({ content: { body: "Yes, at nine" } });
  expect(JSON.parse((await source.getByLabel("Event", { exact: true }).textContent()) ?? "")).toMatchObject({ type: "m.room.encrypted", sender: "@bob:localhost" });
  await page.keyboard.press("Escape");

  await act(page, "Yes, at nine", "Report");
  const report = page.getByRole("dialog", { name: "Report this message" });
  await report.getByLabel("What is wrong with it?").fill("Too early");
  const [told] = await Promise.all([page.waitForResponse(/\/report\/%24/), report.getByRole("button", { name: "Report" }).click()]);
  expect([told.status(), told.request().postDataJSON()]).toEqual([200, { reason: "Too early" }]);
  await page.getByText("Reported", { exact: true }).waitFor();

  const pass = async (p: Page) => {
    await act(p, "Yes, at nine", "Forward");
    const dialog = p.getByRole("dialog", { name: "Forward to" });
    await dialog.getByRole("checkbox", { name: "Elsewhere" }).check();
    await dialog.getByRole("button", { name: "Forward" }).click();
  };
  await alice.page.route("**/rooms/*/send/**", (r) => r.fulfill({ status: 403, json: { errcode: "M_FORBIDDEN", error: "Not to that room" } }));
  await pass(alice.page);
  await alice.page.getByText("Elsewhere: Not to that room").waitFor();
  await alice.page.unroute("**/rooms/*/send/**");
  expect(alice.complaints.splice(0).filter((c) => !c.includes("Not to that room"))).toEqual([]); // the SDK logs it
  await pass(alice.page);
  await alice.page.getByText("Forwarded to 1 room").waitFor();
  await alice.page.getByRole("link", { name: /^Elsewhere/ }).click();
  await message(alice.page, "Yes, at nine").waitFor();
  await openRoom(alice, room);

  const settings = "/_conclave/admin/v1/settings";
  const headers = { Authorization: `Bearer ${await server.token("alice")}`, "Content-Type": "application/json" };
  const tag = (await fetch(server.url + settings, { headers })).headers.get("ETag") ?? "";
  expect((await fetch(server.url + settings, { method: "PUT", headers: { ...headers, "If-Match": tag }, body: JSON.stringify({ forwarding_allowed: false }) })).status).toBe(200);
  await openRoom(alice, room);
  await message(alice.page, "Yes, at nine").click({ button: "right", position: { x: 70, y: 8 } });
  await alice.page.getByRole("menu").getByRole("menuitem", { name: "Copy text" }).waitFor();
  expect(await alice.page.getByRole("menuitem", { name: "Forward" }).count()).toBe(0);
  await alice.page.keyboard.press("Escape");
});

test("a message is pinned, found among the pins, and deleted with a reason", async () => {
  await act(bob.page, "Yes, at nine", "Pin");
  await log(alice.page).getByText("Bob Baker pinned a message").waitFor();
  await alice.page.goto(`/room/${encodeURIComponent(room)}?panel=pins`);
  await alice.page.getByRole("list", { name: "Pinned messages" }).getByText("Yes, at nine").waitFor();
  await alice.page.getByRole("button", { name: "Close", exact: true }).click();
  await act(alice.page, "In the big room", "Delete");
  const dialog = alice.page.getByRole("dialog", { name: "Delete this message?" });
  await dialog.getByLabel("Reason (optional)").fill("booked out");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await log(bob.page).getByText("Message deleted by Alice Archer (booked out)").waitFor();
});

test("the keyboard goes from message to message and does things with them", async () => {
  const { page } = bob;
  await log(page).focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowDown");
  expect(await page.evaluate(() => document.activeElement?.hasAttribute("data-message"))).toBe(true);
  await message(page, "Yes, at nine").focus();
  await page.keyboard.press("Delete");
  await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
  await page.keyboard.press("Escape");
  expect(await bob.accessibility()).toEqual([]);
  alice.clean();
  bob.clean();
});

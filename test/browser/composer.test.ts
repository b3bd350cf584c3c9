import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { Server } from "./server.ts";

let server: Server;
let alice: Person;
let bob: Person;
let roomId: string;
/** A client without encryption, which sees what the server has. */
let observer: string;

const soon = { timeout: 20_000 };
const field = (p: Person) => p.page.getByRole("textbox", { name: "Message", exact: true });
const log = (p: Person) => p.page.getByRole("log", { name: "Messages" });

async function write(p: Person, text: string): Promise<void> {
  await field(p).fill(text);
  await field(p).press("Enter");
}

interface Sent {
  event_id: string;
  type: string;
  content: Record<string, unknown>;
}

beforeAll(async () => {
  server = await Server.start({ CONCLAVE_MEDIA_MAX_UPLOAD: "3000000" });
  await server.account("alice", { displayName: "Alice Archer" });
  await server.account("bob", { displayName: "Bob Baker" });
  observer = await server.token("alice");
  const bobs = await server.token("bob");
  const body = {
    preset: "private_chat", name: "Plans", invite: ["@bob:localhost"],
    initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  };
  roomId = (await server.api<{ room_id: string }>("POST", "/_matrix/client/v3/createRoom", observer, body)).room_id;
  await server.api("POST", `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/join`, bobs, {});
  alice = await (await Person.open(server)).signIn("alice");
  bob = await (await Person.open(server)).signIn("bob");
  for (const p of [alice, bob]) await p.page.getByRole("link", { name: "Plans" }).click();
  await field(alice).waitFor();
  await field(bob).waitFor();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

/** What the server has of the room, the newest last. */
async function events(): Promise<Sent[]> {
  const answer = await server.api<{ chunk: Sent[] }>("GET", `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`, observer);
  return answer.chunk.reverse();
}

test("a text arrives encrypted, and Shift+Enter begins a line", async () => {
  await field(alice).fill("first");
  await field(alice).press("Shift+Enter");
  await field(alice).pressSequentially("second");
  await field(alice).press("Enter");
  await log(bob).getByText("second").waitFor();
  expect(await field(alice).inputValue()).toBe("");
  const last = (await events()).at(-1);
  expect(last?.type).toBe("m.room.encrypted");
  await field(alice).fill("loud");
  await field(alice).press("Control+a");
  await field(alice).press("Control+b");
  expect(await field(alice).inputValue()).toBe("**loud**");
  await field(alice).press("Control+z");
  expect(await field(alice).inputValue()).toBe("loud");
  await field(alice).press("Control+i");
  await field(alice).press("Enter");
  await log(bob).locator("em").getByText("loud").waitFor();
});

test("somebody is mentioned by completion with the keyboard, and emoji by their names", async () => {
  await field(alice).pressSequentially("Hi @ba");
  const list = alice.page.getByRole("listbox", { name: "People" });
  await list.getByRole("option", { name: /Bob Baker/ }).waitFor();
  expect(await alice.accessibility()).toEqual([]);
  await field(alice).press("Tab");
  expect(await field(alice).inputValue()).toBe("Hi @Bob Baker ");
  await field(alice).pressSequentially(":tada");
  await alice.page.getByRole("listbox", { name: "Emoji" }).getByRole("option").first().waitFor();
  await field(alice).press("Enter");
  expect(await field(alice).inputValue()).toBe("Hi @Bob Baker 🎉 ");
  await field(alice).press("Enter");
  await log(bob).getByText("🎉").waitFor();
});

test("the last own message is edited with the arrow key, and Escape leaves it as it is", async () => {
  await write(alice, "A mistkae");
  await log(bob).getByText("A mistkae").waitFor();
  await expect.poll(async () => (await events()).at(-1)?.type, soon).toBe("m.room.encrypted");
  await field(alice).press("ArrowUp");
  await alice.page.getByRole("group", { name: "Editing a message" }).waitFor();
  expect(await field(alice).inputValue()).toBe("A mistkae");
  await field(alice).press("Escape");
  expect(await field(alice).inputValue()).toBe("");
  await field(alice).press("ArrowUp");
  await field(alice).fill("A mistake");
  await field(alice).press("Enter");
  await log(bob).getByText("A mistake", { exact: true }).waitFor();
});

test("a draft survives a reload, is not readable in the storage, and belongs to its room", async () => {
  await field(alice).fill("half a thought");
  // An empty list of drafts is shorter.
  await expect.poll(() => alice.page.evaluate(() => localStorage.getItem("conclave.sealed.drafts")?.length ?? 0), soon).toBeGreaterThan(120);
  const before = await alice.page.evaluate(() => localStorage.getItem("conclave.sealed.drafts"));
  expect(atob(before ?? "")).not.toContain("thought");
  await alice.page.reload();
  await expect.poll(() => field(alice).inputValue(), soon).toBe("half a thought");
  await field(alice).fill("");
});

test("commands do what they say, and say what they lack", async () => {
  await write(alice, "/topic Where we plan");
  await expect.poll(async () => (await events()).some((e) => e.type === "m.room.topic" && e.content.topic === "Where we plan"), soon).toBe(true);
  await write(alice, "/frobnicate");
  await alice.page.getByText("There is no command /frobnicate.").waitFor();
  expect(await field(alice).inputValue()).toBe("/frobnicate");
  await write(alice, "/invite");
  await alice.page.getByText("/invite needs a person after it").waitFor();
  await write(alice, "/me waves");
  await log(bob).getByText("waves").waitFor();
  await write(alice, "/help");
  await alice.page.getByRole("dialog", { name: "Formatting and commands" }).waitFor();
  expect(await alice.accessibility()).toEqual([]);
  await alice.page.keyboard.press("Escape");
});

test("a poll is sent", async () => {
  await write(alice, "/poll Lunch?");
  const dialog = alice.page.getByRole("dialog", { name: "Poll" });
  await dialog.getByLabel("Answer 1").fill("Soup");
  await dialog.getByLabel("Answer 2").fill("Rice");
  const count = (await events()).length;
  await dialog.getByRole("button", { name: "Send poll" }).click();
  await expect.poll(async () => (await events()).length, soon).toBeGreaterThan(count);
});

test("the emoji picker is found by name and writes into the field", async () => {
  await alice.page.getByRole("button", { name: "Emoji" }).click();
  await alice.page.getByRole("searchbox", { name: "Search emoji" }).or(alice.page.getByLabel("Search emoji")).first().fill("rocket");
  await alice.page.getByRole("button", { name: "Rocket", exact: true }).or(alice.page.getByRole("gridcell", { name: "Rocket", exact: true })).first().click();
  expect(await field(alice).inputValue()).toBe("🚀");
  await field(alice).fill("");
});

test("what the server refuses comes back into the field, with the reason", async () => {
  const huge = "long ".repeat(16_000);
  await field(alice).fill(huge);
  await field(alice).press("Enter");
  await alice.page.getByText(/^This message was not sent: /).waitFor();
  expect((await field(alice).inputValue()).length).toBe(huge.length);
  await field(alice).fill("");
  await write(alice, "short");
  await log(bob).getByText("short", { exact: true }).waitFor();
});

test("an edit, a poll and a file's caption that a policy refuses come back with the reason; a reaction leaves nothing", async () => {
  const { page } = alice;
  await write(alice, "to be changed");
  await log(bob).getByText("to be changed").waitFor();
  const reason = "No client names here";
  const refuse = () => page.route("**/rooms/*/send/**", (r) => r.fulfill({ status: 403, json: { errcode: "M_FORBIDDEN", error: reason } }));
  const allow = () => page.unroute("**/rooms/*/send/**");
  await refuse();
  await field(alice).press("ArrowUp");
  await field(alice).fill("changed to ACME");
  await field(alice).press("Enter");
  await page.getByText(`This message was not sent: ${reason}`).waitFor();
  await page.getByRole("group", { name: "Editing a message" }).waitFor();
  expect(await field(alice).inputValue()).toBe("changed to ACME");
  await field(alice).press("Escape");

  await write(alice, "/poll ACME?");
  const dialog = page.getByRole("dialog", { name: "Poll" });
  await dialog.getByLabel("Answer 1").fill("Yes");
  await dialog.getByLabel("Answer 2").fill("No");
  await dialog.getByRole("button", { name: "Send poll" }).click();
  const poll = page.getByRole("alert").filter({ hasText: "Not sent: ACME?" });
  await poll.getByText(reason).waitFor();
  await log(alice).getByRole("article").filter({ hasText: "to be changed" }).click({ button: "right", position: { x: 70, y: 8 } });
  await page.getByRole("menuitem", { name: "React with 👍" }).click();
  await page.locator(".mantine-Notification-root").getByText(reason).waitFor();
  expect(await log(alice).getByRole("button", { name: /^👍 / }).count()).toBe(0);
  await page.locator('input[type="file"][aria-label="Files"]').setInputFiles({ name: "plan.txt", mimeType: "text/plain", buffer: Buffer.from("plan") });
  await page.getByRole("textbox", { name: "Caption of plan.txt" }).fill("for ACME");
  await page.getByRole("button", { name: "Send", exact: true }).last().click();
  const file = page.getByRole("alert").filter({ hasText: "Not sent: for ACME" });
  await file.getByText(reason).waitFor();
  await allow();

  await poll.getByRole("button", { name: "Change" }).click();
  expect(await dialog.getByLabel("Answer 2").inputValue()).toBe("No");
  await dialog.getByLabel("Question").fill("Dinner?");
  await dialog.getByRole("button", { name: "Send poll" }).click();
  await log(bob).getByRole("group", { name: "Dinner?" }).waitFor();
  await file.getByRole("button", { name: "Change" }).click();
  await page.getByRole("textbox", { name: "Caption" }).fill("for Friday");
  await page.getByRole("button", { name: "Send again" }).click();
  await log(bob).getByText("for Friday").waitFor();
  expect(await log(bob).getByText("ACME").count()).toBe(0);
});

test("where one is goes out after one has seen it, and is a link to the other's own maps app", async () => {
  const { page } = alice;
  await alice.context.grantPermissions(["geolocation"]);
  await alice.context.setGeolocation({ latitude: 48.2082, longitude: 16.3738, accuracy: 25 });
  await page.getByRole("button", { name: "Add files or a poll" }).click();
  await page.getByRole("menuitem", { name: "My location" }).click();
  const dialog = page.getByRole("dialog", { name: "Send your location" });
  await dialog.getByText("48.2082° / 16.3738°").waitFor();
  await dialog.getByRole("button", { name: "Send location" }).click();
  const place = log(bob).getByRole("group", { name: "Location" });
  expect(await place.getByRole("link").getAttribute("href")).toBe("geo:48.2082,16.3738");
  await place.getByText("within 25 m").waitFor();
  bob.clean();
});

test("what is written while the server is away waits, survives a reload, and is sent once and in order", async () => {
  await server.halt();
  for (const text of ["offline one", "offline two", "offline three"]) await write(alice, text);
  await alice.page.getByText("3 messages wait until the server can be reached again.").waitFor();
  const box = () => alice.page.evaluate(() => localStorage.getItem("conclave.sealed.outbox")?.length ?? 0);
  await expect.poll(box, soon).toBeGreaterThan(300);
  await server.resume();
  await alice.page.reload();
  await log(bob).getByText("offline three").waitFor();
  const texts = await log(bob).getByText(/^offline /).allTextContents();
  expect(texts).toEqual(["offline one", "offline two", "offline three"]);
  await alice.context.setOffline(true);
  await write(alice, "offline four");
  await alice.page.getByText("One message waits until the server can be reached again.").waitFor();
  await alice.context.setOffline(false);
  await log(bob).getByText("offline four").waitFor();
  await alice.page.reload();
  await log(alice).getByText("offline four").waitFor();
  expect(await log(alice).getByText(/^offline /).allTextContents()).toEqual(["offline one", "offline two", "offline three", "offline four"]);
});

test("who may not write is told why", async () => {
  const level = { users: {}, events_default: 50 }; // who made a room of version 12 is above all levels
  await server.api("PUT", `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.power_levels`, observer, level);
  await bob.page.getByText("You may read this chat, but not write in it.").waitFor();
  expect(await field(bob).count()).toBe(0);
  alice.complaints.length = 0; // the server was away: the browser says so
});

import { afterAll, beforeAll, expect, test } from "vitest";
import type { Page } from "playwright-core";
import { closeBrowser, Person } from "./browser.ts";
import { openRoom, Script } from "./people.ts";
import { Server } from "./server.ts";

let server: Server;
let alice: Person; // her second device
let bob: Person;
let quarry: string;
let script: Script;
let first: Person;

const log = (p: Page) => p.getByRole("log", { name: "Messages", exact: true });
const message = (p: Page, text: string) => log(p).getByRole("article").filter({ hasText: text });
const field = (p: Page) => p.getByRole("searchbox", { name: "Search messages" });
const results = (p: Page) => p.getByRole("list", { name: "Results" }).getByRole("button");

async function write(p: Page, text: string): Promise<void> {
  const box = p.getByRole("main").getByRole("textbox", { name: "Message", exact: true });
  await box.fill(text);
  await box.press("Enter");
}

async function act(p: Page, text: string, name: string): Promise<void> {
  await message(p, text).click({ button: "right", position: { x: 70, y: 8 } });
  await p.getByRole("menu").getByRole("menuitem", { name, exact: true }).click();
}

/** Types a query and waits until exactly these messages are shown, in this order. */
async function finds(p: Page, query: string, texts: (string | RegExp)[]): Promise<void> {
  await field(p).fill(query);
  if (texts.length === 0) await p.getByRole("status").filter({ hasText: "Nothing found." }).waitFor();
  await expect.poll(() => results(p).count(), { message: query }).toBe(texts.length);
  for (const [i, text] of texts.entries()) expect(await results(p).nth(i).textContent(), query).toMatch(text);
}

/** What IndexedDB has, of all databases, as text. */
const stored = (p: Page): Promise<string> =>
  p.evaluate(async () => {
    const bytes = (b: ArrayBufferView) => [new TextDecoder("latin1"), new TextDecoder("utf-16le")].map((d) => d.decode(b)).join("\n");
    const text = (v: unknown): string => {
      if (v instanceof ArrayBuffer) return bytes(new Uint8Array(v));
      if (ArrayBuffer.isView(v)) return bytes(v);
      if (typeof v === "object" && v !== null) return Object.entries(v).map(([k, x]) => `${k}\n${text(x)}`).join("\n");
      return String(v);
    };
    let all = "";
    for (const { name } of await indexedDB.databases()) {
      const db = await new Promise<IDBDatabase>((done) => {
        const request = indexedDB.open(name as string);
        request.onsuccess = () => done(request.result);
      });
      for (const store of Array.from(db.objectStoreNames)) {
        const values = await new Promise<unknown[]>((done) => {
          const request = db.transaction(store).objectStore(store).getAll();
          request.onsuccess = () => done(request.result as unknown[]);
        });
        all += `${name} ${store} ${values.length}\n${values.map(text).join("\n")}`;
      }
      db.close();
    }
    return all;
  });

beforeAll(async () => {
  server = await Server.start();
  await server.account("alice", { displayName: "Alice Archer" });
  await server.account("bob", { displayName: "Bob Baker" });
  script = await Script.of(server, "alice");
  quarry = await script.room("Quarry", ["bob"]);
  await (await Script.of(server, "bob")).join(quarry);
  first = await (await Person.open(server)).signIn("alice");
  bob = await (await Person.open(server)).signIn("bob");
  await openRoom(first, quarry);
  await openRoom(bob, quarry);
  await write(first.page, "Mother-of-pearl lies below the old Überhang");
  await message(bob.page, "Mother-of-pearl").waitFor();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

test("a second device goes back through the encrypted history, and finds what it was never shown", async () => {
  await write(bob.page, "The hut is small and red");
  await write(bob.page, "Forget this granite");
  await message(first.page, "Forget this granite").waitFor();
  await act(bob.page, "hut is small", "Edit");
  await expect.poll(() => bob.page.getByRole("main").getByRole("textbox", { name: "Message", exact: true }).inputValue()).toBe("The hut is small and red");
  await write(bob.page, "The barn is tall, see https://example.org/barn");
  await act(bob.page, "Forget this granite", "Delete");
  await bob.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await log(bob.page).getByText("Message deleted").waitFor();
  // More than what a device that begins is told.
  for (let i = 1; i <= 25; i++) await write(bob.page, `Stone number ${i}`);
  await message(first.page, "Stone number 25").waitFor();
  // All keys are in the backup before the other device asks for them.
  await expect.poll(async () => (await script.call<{ count: number }>("GET", "/room_keys/version")).count).toBeGreaterThanOrEqual(2);
  await first.close();
  alice = await (await Person.open(server)).signIn("alice");
  const { page } = alice;
  await page.keyboard.press("Control+Shift+F");
  await page.getByRole("heading", { name: "Search in all rooms" }).waitFor();
  await page.getByText(/All your rooms can be searched: 27 messages/).waitFor();
  await finds(page, "uberh pear", [/Alice Archer.*in Quarry.*Mother-of-pearl lies below/]);
  expect(await results(page).locator("mark").allTextContents()).toEqual(["pearl", "Überhang"]);
  await finds(page, '"the old"', [/Mother-of-pearl/]);
  await finds(page, '"old the"', []);
  await finds(page, "hut", []);
  await finds(page, "granite", []);
  await finds(page, "barn from:bob has:link", [/Bob Baker.*The barn is tall.*\(edited\)/]);
  await finds(page, "stone from:alice", []);
  await finds(page, "barn in:quarry before:2020-01-01", []);
  await page.getByRole("button", { name: "Links" }).click();
  await expect.poll(() => field(page).inputValue()).toBe("barn in:quarry before:2020-01-01 has:link");
  expect(await alice.accessibility()).toEqual([]);
  const secret = await script.call<{ encrypted: object }>("GET", "/user/@alice:localhost/account_data/chat.conclave.search_key");
  expect(Object.keys(secret.encrypted)).toHaveLength(1);
});

test("the index is kept over a reload, and nothing of it can be read on disk", async () => {
  const { page } = alice;
  await page.route("**/messages?*", (r) => r.abort());
  await page.reload();
  await page.getByText(/All your rooms can be searched: 27 messages/).waitFor();
  await finds(page, "pearl", [/Mother-of-pearl/]);
  await page.unroute("**/messages?*");
  const all = await stored(page);
  expect(all).toContain("conclave-search chunks");
  expect(all).toContain(quarry); // what is not secret is found this way
  for (const word of ["mother-of-pearl", "stone number", "barn is tall", "überhang", "uberhang"]) expect(all.toLowerCase().includes(word), word).toBe(false);
});

test("a result leads to its place far back; what arrives, changes or goes is found or not at once", async () => {
  const { page } = alice;
  await finds(page, "mother", [/Mother-of-pearl/]);
  await results(page).first().press("Enter");
  await message(page, "Mother-of-pearl").waitFor();
  expect(await message(page, "Mother-of-pearl").isVisible()).toBe(true);
  // The panel stays beside the room.
  const panel = page.getByRole("complementary", { name: "Search" });
  await panel.getByRole("button", { name: "Close", exact: true }).click();
  await page.keyboard.press("Control+f");
  await panel.getByText("This room").click();
  await finds(page, "basalt", []);
  await write(bob.page, "Basalt columns");
  await message(page, "Basalt columns").waitFor();
  await finds(page, "basal", [/Basalt columns/]);
  await act(bob.page, "Basalt columns", "Edit");
  await write(bob.page, "Limestone walls");
  await finds(page, "basalt", []);
  await finds(page, '"limestone walls"', [/Limestone walls.*\(edited\)/]);
  await act(bob.page, "Limestone walls", "Delete");
  await bob.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await finds(page, "limestone", []);
  await page.getByRole("button", { name: "Close", exact: true }).click();
  alice.clean();
  bob.clean();
});

test("the index is deleted with the setting, and with what the user leaves", async () => {
  const { page } = alice;
  await (await Script.of(server, "alice")).call("POST", `/rooms/${encodeURIComponent(quarry)}/leave`, {});
  await page.goto("/settings/search");
  await page.getByText("All your rooms can be searched: 0 messages.").waitFor();
  await page.getByRole("switch", { name: "Search messages in this browser" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete the index" }).click();
  await page.getByText("The index was deleted").first().waitFor();
  expect(await page.evaluate(async () => (await indexedDB.databases()).map((d) => d.name))).not.toContain("conclave-search");
});

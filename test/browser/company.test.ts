import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { Script } from "./people.ts";
import { Server } from "./server.ts";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
  await server.account("alice", { displayName: "Alice Archer" });
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

test("a recorded room says so above the composer, who may unseal, and when messages go", async () => {
  const alice = await Script.of(server, "alice");
  const policy = { via: "recorder.localhost", "chat.conclave.recording": { text: "Recorded under the trading rules.", officers: ["Compliance", "Works council"] } };
  const state = [
    { type: "m.room.policy", state_key: "", content: policy },
    { type: "m.room.retention", state_key: "", content: { max_lifetime: 30 * 24 * 60 * 60 * 1000 } },
  ];
  const recorded = await alice.makeRoom({ name: "Trading desk" });
  const plain = await alice.makeRoom({ name: "Canteen" });
  for (const s of state) await alice.call("PUT", `/rooms/${encodeURIComponent(recorded)}/state/${s.type}/`, s.content);
  const p = await (await Person.open(server)).signIn("alice");
  await p.page.goto(`/room/${encodeURIComponent(recorded)}`);
  const note = p.page.getByRole("note", { name: "Rules for this room" });
  await note.waitFor();
  expect(await note.textContent()).toContain("Recorded under the trading rules. Only Compliance or Works council may unseal the record.");
  expect(await note.textContent()).toContain("Messages here are deleted after 30 days.");
  expect(await p.accessibility()).toEqual([]);
  await p.page.goto(`/room/${encodeURIComponent(plain)}`);
  await p.page.getByRole("heading", { name: "Canteen", level: 1 }).waitFor();
  expect(await note.count()).toBe(0);
  // What is too old leaves the open timeline, and the server.
  const message = p.page.getByRole("log").getByText("Soon gone");
  await p.page.getByRole("textbox", { name: "Message" }).fill("Soon gone");
  await p.page.getByRole("textbox", { name: "Message" }).press("Enter");
  await message.waitFor();
  await alice.call("PUT", `/rooms/${encodeURIComponent(plain)}/state/m.room.retention/`, { max_lifetime: 1000 });
  await note.filter({ hasText: "Messages here are deleted after 1 second." }).waitFor();
  await message.waitFor({ state: "detached" });
  p.clean();
  await p.close();
});

test("a person of another organisation is marked wherever they are named", async () => {
  const p = await (await Person.open(server)).signIn("alice");
  await p.page.getByRole("button", { name: "New", exact: true }).click();
  await p.page.getByRole("menuitem", { name: "New chat" }).click();
  await p.page.getByRole("textbox", { name: "People" }).fill("@guest:partner.example");
  await p.page.getByRole("button", { name: /guest.*External/s }).waitFor();
  p.clean();
  await p.close();
});

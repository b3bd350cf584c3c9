import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { password, Server } from "./server.ts";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
  await server.account("alice", { displayName: "Alice Archer" });
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

test("a person signs in, stays signed in after a reload, and the page obeys its own policy", async () => {
  const alice = await (await Person.open(server)).signIn("alice");
  await alice.page.reload();
  await alice.page.getByRole("list", { name: "Chats" }).waitFor();
  alice.clean();
  await alice.close();
});

test("a wrong password is said plainly", async () => {
  const p = await Person.open(server);
  await p.enterPassword("alice", `not ${password}`);
  expect(await p.page.getByRole("alert").textContent()).toBe("User name or password is wrong.");
  expect(await p.accessibility()).toEqual([]);
  p.clean();
  await p.close();
});

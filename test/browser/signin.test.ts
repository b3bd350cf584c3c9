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
  await p.page.goto("/");
  await p.page.getByLabel("User name or e-mail address").fill("alice");
  await p.page.getByLabel(/^Password/).fill(`not ${password}`);
  await p.page.getByRole("button", { name: "Sign in" }).click();
  expect(await p.page.getByRole("alert").textContent()).toBe("User name or password is wrong.");
  expect(await p.accessibility()).toEqual([]);
  p.clean();
  await p.close();
});

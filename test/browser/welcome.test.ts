import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { password, Server } from "./server.ts";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

/** Keeps the recovery key that the first sign-in shows. */
async function keepKey(p: Person): Promise<void> {
  await p.page.getByRole("button", { name: "I have kept it" }).click();
}

async function choosePassword(p: Person): Promise<void> {
  await p.page.getByLabel(/^Password/).fill(password);
  await p.page.getByLabel(/^The password once more/).fill(password);
}

test("the first administrator begins by the printed link and invites people, who chat at once", async () => {
  const link = /http\S+(\/welcome\/[^\s"]+)/.exec(server.output)?.[1] ?? "";
  const boss = await Person.open(server);
  await boss.page.goto(link);
  await boss.page.getByLabel("Name of the organisation").fill("Northwind Bank");
  await boss.page.getByLabel("User name").fill("boss");
  await boss.page.getByLabel(/^Password/).fill(password);
  await boss.page.getByLabel(/^The password once more/).fill("another one, by mistake");
  await boss.page.getByRole("button", { name: "Begin" }).click();
  expect(await boss.page.getByRole("alert").textContent()).toBe("The passwords differ.");
  expect(await boss.accessibility()).toEqual([]);
  await choosePassword(boss);
  await boss.page.getByRole("button", { name: "Begin" }).click();
  await keepKey(boss);
  await boss.page.getByRole("heading", { name: "Invite your people" }).waitFor();

  await boss.page.getByLabel("Name of the person (optional)").fill("Bob Builder");
  await boss.page.getByRole("button", { name: "Make a link" }).click();
  const shown = (await boss.page.getByText(/Bob Builder: http/).textContent()) ?? "";
  const invitation = new URL(shown.replace("Bob Builder: ", "")).pathname;

  await boss.page.getByRole("textbox", { name: "Table" }).fill("user_name,display_name\ncarol,Carol Cook\nno good,Someone");
  await boss.page.getByRole("button", { name: "Check" }).click();
  await boss.page.getByRole("cell", { name: "can be invited" }).waitFor();
  expect(await boss.accessibility()).toEqual([]);
  await boss.page.getByRole("button", { name: "Invite 1 person" }).click();
  await boss.page.getByRole("cell", { name: "Copy the link" }).waitFor();
  await boss.page.getByRole("link", { name: "To the chats" }).click();
  await boss.page.getByRole("list", { name: "Chats" }).waitFor();
  boss.clean();

  const bob = await Person.open(server);
  await bob.page.goto(invitation);
  await bob.page.getByRole("heading", { name: "Welcome to Northwind Bank" }).waitFor();
  await bob.page.getByLabel("User name").fill("bob");
  await choosePassword(bob);
  expect(await bob.accessibility()).toEqual([]);
  await bob.page.getByRole("button", { name: "Begin" }).click();
  await keepKey(bob);
  await bob.page.getByRole("list", { name: "Chats" }).waitFor();
  bob.clean();

  const late = await Person.open(server);
  for (const used of [link, invitation]) {
    await late.page.goto(used);
    await late.page.getByRole("heading", { name: "This link is not valid any more" }).waitFor();
  }
  await Promise.all([boss.close(), bob.close(), late.close()]);
});

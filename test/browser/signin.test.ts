import { createServer, type Server as MailServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { password, Server } from "./server.ts";

let server: Server;
let post: MailServer;
const mails: string[] = [];

/** An SMTP server that takes what it gets. */
function startPost(): Promise<number> {
  post = createServer((socket) => {
    let text = "";
    let body = false;
    const say = (line: string) => socket.write(`${line}\r\n`);
    say("220 post.test");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      for (let end = text.indexOf(body ? "\r\n.\r\n" : "\r\n"); end >= 0; end = text.indexOf(body ? "\r\n.\r\n" : "\r\n")) {
        const part = text.slice(0, end);
        text = text.slice(end + (body ? 5 : 2));
        if (body) mails.push(part);
        if (!body && /^quit/i.test(part)) return void socket.end("221 bye\r\n");
        const data = !body && /^data/i.test(part);
        body = data;
        say(data ? "354 go on" : "250 ok");
      }
    });
  });
  return new Promise((done) => post.listen(0, "127.0.0.1", () => done((post.address() as { port: number }).port)));
}

beforeAll(async () => {
  server = await Server.start({
    CONCLAVE_SMTP_HOST: "127.0.0.1", CONCLAVE_SMTP_PORT: String(await startPost()), CONCLAVE_SMTP_SECURITY: "none", CONCLAVE_SMTP_FROM: "Conclave <no-reply@example.org>",
  });
  await server.account("alice", { displayName: "Alice Archer" });
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
  post.close();
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

test("who forgot the password sets another one by a message to the account's address", async () => {
  await server.account("bob");
  await server.run("user", "email", "bob", "bob@example.org");
  const p = await Person.open(server);
  await p.page.goto("/");
  await p.page.getByRole("button", { name: "Forgotten your password?" }).click();
  await p.page.getByLabel("E-mail address").fill("bob@example.org");
  await p.page.getByRole("button", { name: "Send the message" }).click();
  const next = "quite another battery staple";
  await p.page.getByLabel(/^New password/).fill(next);
  await p.page.getByRole("button", { name: "Set the password" }).click();
  await p.page.getByRole("alert").getByText("The link in the message has not been confirmed yet.").waitFor();
  await expect.poll(() => mails.length).toBe(1);
  expect(mails[0]).toMatch(/^To: <?bob@example\.org/m);
  const link = /http:\/\/localhost\S+/.exec((mails[0] ?? "").replaceAll("=\r\n", "").replaceAll("=3D", "="))?.[0] ?? "";
  const message = await p.context.newPage();
  await message.goto(link);
  await message.getByRole("button", { name: "It was me" }).click();
  await message.getByRole("heading", { name: "Done" }).waitFor();
  await p.page.getByRole("button", { name: "Set the password" }).click();
  await p.page.getByText("Your new password is set. Sign in with it.").waitFor();
  expect(await p.accessibility()).toEqual([]);
  await expect(server.token("bob")).rejects.toThrow("M_FORBIDDEN");
  await p.page.getByRole("button", { name: "Back to the sign-in" }).click();
  await p.page.getByLabel("User name or e-mail address").fill("bob@example.org");
  await p.page.getByLabel(/^Password/).fill(next);
  await p.page.getByRole("button", { name: "Sign in" }).click();
  await p.page.getByRole("textbox", { name: "Recovery key" }).waitFor();
  p.clean();
  await p.close();
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { Server } from "./server.ts";

let server: Server;

beforeAll(async () => {
  server = await Server.start();
  await server.account("alice");
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
});

/** Waits until the service worker keeps the page's files. */
async function kept(p: Person): Promise<void> {
  const missing = () =>
    p.page.evaluate(async () => {
      const cache = await caches.open("conclave-files");
      const names = (await cache.keys()).map((r) => new URL(r.url).pathname);
      const loaded = performance.getEntriesByType("resource").map((e) => new URL(e.name).pathname).filter((n) => n.startsWith("/assets/"));
      return loaded.length === 0 ? ["nothing loaded"] : loaded.filter((n) => !names.includes(n));
    });
  await expect.poll(missing).toEqual([]);
}

test("the app starts without the server, with what the browser kept", async () => {
  const alice = await (await Person.open(server)).signIn("alice");
  await kept(alice);
  await alice.page.reload(); // now through the service worker
  await alice.page.getByRole("list", { name: "Chats" }).waitFor();
  await kept(alice);
  await server.halt();
  await alice.page.reload();
  await alice.page.getByRole("list", { name: "Chats" }).waitFor();
  await server.resume();
  await alice.close();
});

test("the app can be installed", async () => {
  const p = await Person.open(server);
  await p.page.goto("/");
  const session = await p.context.newCDPSession(p.page);
  const { manifest, errors } = (await session.send("Page.getAppManifest")) as { errors: unknown[]; manifest?: { startUrl?: string } };
  expect(errors).toEqual([]);
  expect(new URL(manifest?.startUrl ?? "", server.url).pathname).toBe("/");
  const { installabilityErrors } = (await session.send("Page.getInstallabilityErrors")) as { installabilityErrors: { errorId: string }[] };
  // The browsers of tests are private ones, which install nothing.
  expect(installabilityErrors.map((e) => e.errorId).filter((id) => id !== "in-incognito")).toEqual([]);
  await p.close();
});

test("a push while no page is open says that there are new messages, and no more", async () => {
  const p = await Person.open(server, { permissions: ["notifications"] });
  await p.page.goto("/");
  await p.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  const session = await p.context.newCDPSession(p.page);
  const registration = await new Promise<string>((found) => {
    session.on("ServiceWorker.workerRegistrationUpdated", (e: { registrations: { registrationId: string }[] }) => {
      const [first] = e.registrations;
      if (first) found(first.registrationId);
    });
    void session.send("ServiceWorker.enable");
  });
  // Nobody is signed in on this page: it leaves the message to the worker.
  const data = JSON.stringify({ event_id: "$e", room_id: "!r:localhost", counts: { unread: 3 } });
  await session.send("ServiceWorker.deliverPushMessage", { origin: server.url, registrationId: registration, data });
  const shown = () =>
    p.page.evaluate(async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((n) => ({ title: n.title, body: n.body, tag: n.tag })));
  await expect.poll(shown).toEqual([{ title: "Conclave", body: "New messages", tag: "!r:localhost" }]);
  p.clean();
  await p.close();
});

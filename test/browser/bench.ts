import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { closeBrowser, Person } from "./browser.ts";
import { openRoom, Script } from "./people.ts";
import { Server } from "./server.ts";

/*
 * How quick the app is: `make web-bench`. It prints what it measured and writes it to bin/web-bench.md; it judges nothing. docs/performance.md
 * says what the figures mean. BENCH_ROOMS and BENCH_MESSAGES make it smaller.
 */
const rooms = Number(process.env.BENCH_ROOMS ?? 500);
const messages = Number(process.env.BENCH_MESSAGES ?? 10_000);
const burst = 1000;

let server: Server;
let carol: Script;
let other: Script;
const ids: string[] = [];
const lines: string[] = [];

function note(what: string, figures: Record<string, number | string>): void {
  const line = `| ${what} | ${Object.entries(figures).map(([k, v]) => `${k} ${typeof v === "number" ? Math.round(v * 10) / 10 : v}`).join(", ")} |`;
  lines.push(line);
  console.log(line);
}

/** Does something many times, several at once. */
async function many(count: number, act: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (next < count) await act(next++);
  }));
}

beforeAll(async () => {
  // Rooms made here have encryption on, and scripts that cannot encrypt write into them.
  server = await Server.start({ CONCLAVE_ROOMS_ENCRYPT: "false" });
  for (const name of ["carol", "dave"]) await server.account(name);
  carol = await Script.of(server, "carol");
  other = await Script.of(server, "dave");
  await many(rooms, async (i) => {
    const { room_id } = await other.call<{ room_id: string }>("POST", "/createRoom", {
      name: `Room ${i}`,
      preset: "private_chat",
      invite: ["@carol:localhost"],
      initial_state: [{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
    });
    await carol.join(room_id);
    for (let n = 0; n < 4; n++) await other.text(room_id, `Message ${n} of room ${i}`);
    ids.push(room_id);
  });
});

afterAll(async () => {
  await closeBrowser();
  await server.stop();
  await writeFile(path.resolve(import.meta.dirname, "../../bin/web-bench.md"), `| what | figures |\n| --- | --- |\n${lines.join("\n")}\n`);
});

const chats = 'ul[aria-label="Chats"] a';

/** Milliseconds from the start of the navigation until something is there and the page can be used: a frame after it was painted. */
async function usable(page: Page, selector: string): Promise<number> {
  const handle = await page.waitForFunction(
    (s) => (document.querySelector(s) === null ? 0 : new Promise<number>((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))),
    selector,
  );
  return handle.jsonValue();
}

/** Asks the browser to gather what a load costs, from the next one on. */
async function observe(page: Page, cdp: CDPSession): Promise<{ requests: number; bytes: number }> {
  const seen = { requests: 0, bytes: 0 };
  await cdp.send("Network.enable");
  cdp.on("Network.loadingFinished", (e) => {
    seen.requests++;
    seen.bytes += e.encodedDataLength;
  });
  await page.addInitScript(() => {
    const w = globalThis as unknown as { bench: { lcp: number; tbt: number; longest: number } };
    w.bench = { lcp: 0, tbt: 0, longest: 0 };
    new PerformanceObserver((l) => l.getEntries().forEach((e) => (w.bench.lcp = e.startTime))).observe({ type: "largest-contentful-paint", buffered: true });
    new PerformanceObserver((l) =>
      l.getEntries().forEach((e) => {
        w.bench.tbt += Math.max(0, e.duration - 50);
        w.bench.longest = Math.max(w.bench.longest, e.duration);
      }),
    ).observe({ type: "longtask", buffered: true });
  });
  return seen;
}

const paints = (page: Page) =>
  page.evaluate(() => {
    const { lcp, tbt, longest } = (globalThis as unknown as { bench: { lcp: number; tbt: number; longest: number } }).bench;
    return { FCP: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0, LCP: lcp, TBT: tbt, "longest task": longest };
  });

test("a cold load", async () => {
  for (const slower of [1, 4]) {
    const p = await Person.open(server);
    const cdp = await p.context.newCDPSession(p.page);
    await cdp.send("Emulation.setCPUThrottlingRate", { rate: slower });
    const seen = await observe(p.page, cdp);
    await p.page.goto("/");
    const at = await usable(p.page, "input[type=password]");
    note(`cold, sign-in page, CPU ${slower} × slower`, { ms: at, requests: seen.requests, KiB: seen.bytes / 1024, ...(await paints(p.page)) });
    await p.close();
  }
});

test("the list, cold and warm", async () => {
  const p = await Person.open(server);
  const cdp = await p.context.newCDPSession(p.page);
  const seen = await observe(p.page, cdp);
  const began = Date.now();
  await p.signIn("carol");
  await p.page.locator(chats).first().waitFor();
  note(`first sign-in with ${rooms} rooms, to the list`, { ms: Date.now() - began, requests: seen.requests, KiB: seen.bytes / 1024 });
  await p.page.waitForTimeout(3000); // what the store writes after the first sync
  for (const slower of [1, 1, 1, 4]) {
    await cdp.send("Emulation.setCPUThrottlingRate", { rate: slower });
    await p.page.reload({ waitUntil: "commit" });
    const at = await usable(p.page, chats);
    const marks = await p.page.evaluate(() => Object.fromEntries(performance.getEntriesByType("mark").map((m) => [m.name, Math.round(m.startTime)])));
    note(`warm, list of ${rooms} rooms, CPU ${slower} × slower`, { ms: at, ...(await paints(p.page)), ...marks });
    await p.page.waitForTimeout(2000);
  }
  await cdp.send("Emulation.setCPUThrottlingRate", { rate: 1 });
  await typing(p);
  await memory(p, cdp);
  await p.close();
});

/** Types while nothing happens, and while many events of many rooms come with one sync. */
async function typing(p: Person): Promise<void> {
  const { page } = p;
  await openRoom(p, ids[0] as string);
  const box = page.getByRole("textbox", { name: "Message" });
  await box.click();
  const frames = async (during: () => Promise<void>) => {
    await page.evaluate(() => {
      const w = globalThis as unknown as { frames: number[]; stop: boolean };
      w.frames = [];
      w.stop = false;
      let last = performance.now();
      const next = (now: number) => {
        w.frames.push(now - last);
        last = now;
        if (!w.stop) requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    });
    await during();
    const all = await page.evaluate(() => {
      const w = globalThis as unknown as { frames: number[]; stop: boolean };
      w.stop = true;
      return w.frames.slice(1);
    });
    return { frames: all.length, "over 34 ms": all.filter((f) => f > 34).length, "over 50 ms": all.filter((f) => f > 50).length, "longest ms": Math.max(...all) };
  };
  const words = async (count: number) => {
    for (let i = 0; i < count; i++) await page.keyboard.press(i % 6 === 5 ? "Space" : "KeyA", { delay: 5 });
  };
  note("frames while typing, nothing else", await frames(() => words(200)));
  await p.context.setOffline(true);
  await many(burst, (i) => other.text(ids[i % 50] as string, `Burst ${i}`));
  const arrived = page.waitForResponse((r) => r.url().includes("/sync") && r.ok(), { timeout: 60_000 });
  note(`frames while typing and ${burst} events land`, await frames(async () => {
    await p.context.setOffline(false);
    await Promise.all([arrived, words(50)]);
    await words(300);
  }));
  await box.fill("");
}

/** What the page holds after each part of very many messages: half of them into the room that is open, half into one that is not. */
async function memory(p: Person, cdp: CDPSession): Promise<void> {
  const heap = async () => {
    await p.page.waitForTimeout(3000);
    for (let i = 0; i < 3; i++) await cdp.send("HeapProfiler.collectGarbage");
    return (await cdp.send("Runtime.getHeapUsage")).usedSize / 1024 / 1024;
  };
  const steps: Record<string, number> = {};
  steps["0"] = await heap();
  for (let sent = 0; sent < messages; sent += messages / 5) {
    await many(messages / 5, (i) => other.text(ids[i % 2] as string, `Number ${sent + i} of very many messages, each a line of text`));
    await p.page.getByText(new RegExp(`Number ${sent + messages / 5 - 2} of`)).first().waitFor();
    steps[String(sent + messages / 5)] = await heap();
  }
  note(`MiB of heap after so many messages`, steps);
}

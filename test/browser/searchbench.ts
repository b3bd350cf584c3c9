import { readFileSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, test } from "vitest";
import { Server } from "./server.ts";

/*
 * What the search index costs in a browser, for docs/performance.md: `npx vitest run --config searchbench.config.ts`. The app's own worker is given
 * made-up messages through its own protocol, on a page where nobody is signed in.
 */
const sizes = (process.env.CONCLAVE_BENCH_MESSAGES ?? "100000,200000").split(",").map(Number);
let server: Server;

beforeAll(async () => {
  server = await Server.start();
});

afterAll(() => server.stop());

type Call = (op: string, ...args: unknown[]) => Promise<unknown>;

/** Starts the worker in the page; called again it opens what is on disk, as a reload does. */
async function openWorker(page: Page, address: string): Promise<number> {
  return page.evaluate(async (url) => {
    const w = globalThis as unknown as { call: Call; key?: CryptoKey; worker?: Worker };
    w.worker?.terminate();
    w.key ??= await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["wrapKey", "unwrapKey"]);
    const worker = (w.worker = new Worker(url, { type: "module" }));
    const waiting = new Map<number, (v: unknown) => void>();
    let next = 0;
    worker.onmessage = (e: MessageEvent<{ id: number; value: unknown; error?: string }>) => waiting.get(e.data.id)?.(e.data.error ?? e.data.value);
    w.call = (op, ...args) =>
      new Promise((done) => {
        waiting.set(++next, done);
        worker.postMessage({ id: next, op, args });
      });
    const began = performance.now();
    await w.call("open", "@bench:localhost", [w.key]);
    return performance.now() - began;
  }, address);
}

/** Messages of a dozen words whose frequencies fall as in languages (Zipf), in twenty rooms; in history's order. */
async function fill(page: Page, from: number, to: number): Promise<number> {
  return page.evaluate(
    async ([first, last]) => {
      const { call } = globalThis as unknown as { call: Call };
      const syllables = ["ka", "lo", "mi", "ter", "sen", "du", "ran", "be", "fol", "gi", "pes", "tu", "wan", "zer", "quo", "nim"];
      const word = (n: number): string => {
        let text = "";
        for (let k = n + 1; k > 0; k = Math.floor(k / 16)) text += syllables[k % 16];
        return text;
      };
      let s = 7 + first;
      const random = () => (s = (Math.imul(s, 1664525) + 1013904223) >>> 0) / 2 ** 32;
      const id = () => `$${Array.from({ length: 43 }, () => "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[Math.floor(random() * 64)]).join("")}`;
      let spent = 0;
      for (let i = first; i < last; i += 100) {
        const add = Array.from({ length: 100 }, (_, k) => ({
          id: id(),
          ts: 2e12 - (i + k) * 60_000,
          sender: `@person${Math.floor(random() * 50)}:localhost`,
          text: Array.from({ length: 4 + Math.floor(random() * 18) }, () => word(Math.floor(60_000 ** random()))).join(" "),
          kinds: random() < 0.05 ? ["link"] : [],
        }));
        if (i === 50_000) Object.assign(add[50] as object, { text: "a needle called xylophonist stands here" });
        const start = performance.now();
        await call("apply", `!room${(i / 100) % 20}:localhost`, { end: "history", add });
        spent += performance.now() - start;
      }
      return spent / ((last - first) / 1000);
    },
    [from, to] as const,
  );
}

/** Times of a search in milliseconds: the first on segments that are not in memory, and the median of the next ones. */
async function time(page: Page, find: object): Promise<{ first: number; median: number; hits: number }> {
  return page.evaluate(async (f) => {
    const { call } = globalThis as unknown as { call: Call };
    const times: number[] = [];
    let hits = 0;
    for (let i = 0; i < 9; i++) {
      const began = performance.now();
      hits = ((await call("search", f)) as { hits: unknown[] }).hits.length;
      times.push(performance.now() - began);
    }
    const [first, ...rest] = times as [number, ...number[]];
    return { first, median: rest.sort((a, b) => a - b)[4] as number, hits };
  }, find);
}

const word = (terms: string[], prefix = true) => ({ terms, prefix });
const base = { rooms: null, senders: null, not: [], kinds: [], after: null, before: null, order: "newest", limit: 30, past: null, skip: 0 };
const searches = {
  "a word in many messages": { ...base, atoms: [word(["lo"])] },
  "the beginning of a rare word": { ...base, atoms: [word(["xylo"])] },
  "a phrase that is nowhere, of usual words": { ...base, atoms: [word(["lo", "ter", "lo", "ter"], false)] },
  "two usual words, the best matches of all": { ...base, order: "best", atoms: [word(["ter"]), word(["sen"])] },
  "a filter alone, one room": { ...base, rooms: ["!room3:localhost"], kinds: ["link"], atoms: [] },
};

test("the index of many messages", async () => {
  const browser = await chromium.launch({ executablePath: process.env.CONCLAVE_TEST_CHROMIUM ?? "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu"], headless: true });
  const page = await browser.newPage({ baseURL: server.url });
  await page.goto("/");
  await page.getByLabel(/^Password/).waitFor();
  const address = await page.evaluate(async () => {
    // The worker's name is in the module that starts it; both are among the files that the service's chunk names.
    const seen = new Set<string>();
    const look = async (url: string): Promise<string | null> => {
      if (seen.has(url)) return null;
      seen.add(url);
      const text = await (await fetch(url)).text();
      const worker = /assets\/worker-[\w-]+\.js/.exec(text);
      if (worker && text.includes("conclave-search")) return `/${worker[0]}`;
      for (const [name] of text.matchAll(/[\w-]+-[\w-]{8}\.js/g)) {
        const found = await look(`/assets/${name}`);
        if (found) return found;
      }
      return null;
    };
    return look(document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src ?? "");
  });
  if (address === null) throw new Error("the worker was not found");
  const cdp = await browser.newBrowserCDPSession();
  const memory = async (): Promise<number> => {
    const { processInfo } = await cdp.send("SystemInfo.getProcessInfo");
    const rss = processInfo.filter((p) => p.type === "renderer").map((p) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${p.id}/status`, "utf8"))?.[1] ?? 0) / 1024);
    return Math.max(...rss);
  };
  await openWorker(page, address);
  const say = (...words: unknown[]) => console.log(...words);
  say(`empty: the page's process ${(await memory()).toFixed(0)} MiB`);
  let done = 0;
  for (const size of sizes) {
    const each = await fill(page, done, size);
    done = size;
    const stats = (await page.evaluate(() => (globalThis as unknown as { call: Call }).call("stats"))) as { bytes: number };
    say(`${size} messages: ${(stats.bytes / size).toFixed(0)} bytes each, ${each.toFixed(0)} ms of the worker for 1000, process ${(await memory()).toFixed(0)} MiB`);
    say(`  opened in ${(await openWorker(page, address)).toFixed(0)} ms, process ${(await memory()).toFixed(0)} MiB`);
    for (const [name, find] of Object.entries(searches)) {
      const t = await time(page, find);
      say(`  ${name}: ${t.first.toFixed(1)} ms, again ${t.median.toFixed(1)} ms, ${t.hits} results`);
    }
    say(`  after the searches: process ${(await memory()).toFixed(0)} MiB`);
  }
  await browser.close();
});

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "vitest";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { password, type Server } from "./server.ts";

/** What the camera sees, a film in Y4M: a test writes it before a page opens the camera. */
export const cameraFilm = path.join(tmpdir(), `conclave-camera-${process.pid}.y4m`);

const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  // A microphone that hums, a camera that shows a film, and nobody who has to be asked for them.
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-video-capture=${cameraFilm}`];
const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let shared: Promise<Browser> | undefined;

/** The one Chromium of a file of tests. */
function browser(): Promise<Browser> {
  shared ??= chromium.launch({ executablePath: process.env.CONCLAVE_TEST_CHROMIUM ?? "/usr/bin/chromium", args: flags, headless: true });
  return shared;
}

export async function closeBrowser(): Promise<void> {
  await (await shared)?.close();
  shared = undefined;
}

/**
 * One browser profile, as a person has it. What the page logs as an error, what breaks its Content-Security-Policy and requests to other hosts
 * are collected; `clean` fails the test for them.
 */
export class Person {
  readonly complaints: string[] = [];
  readonly context: BrowserContext;
  readonly page: Page;
  readonly server: Server;

  private constructor(server: Server, context: BrowserContext, page: Page) {
    this.server = server;
    this.context = context;
    this.page = page;
  }

  static async open(server: Server, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await (await browser()).newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", baseURL: server.url, ...options });
    context.setDefaultTimeout(45_000);
    const page = await context.newPage();
    const p = new Person(server, context, page);
    page.on("pageerror", (err) => p.complaints.push(String(err.stack ?? err)));
    page.on("console", (m) => {
      if (m.type() === "error" && !/Failed to load resource/.test(m.text())) p.complaints.push(m.text());
    });
    context.on("request", (r) => {
      if (!r.url().startsWith(server.url) && !/^(blob|data):/.test(r.url())) p.complaints.push(`request to another host: ${r.url()}`);
    });
    return p;
  }

  /** Fills in the page's form and sends it. */
  async enterPassword(name: string, secret = password): Promise<void> {
    await this.page.goto("/");
    await this.page.getByLabel("User name or e-mail address").fill(name);
    await this.page.getByLabel(/^Password/).fill(secret);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  /** Signs in as somebody who keeps the recovery key and confirms further devices by it, and waits for the list of chats. */
  async signIn(name: string): Promise<this> {
    const { page, server } = this;
    await this.enterPassword(name);
    const chats = page.getByRole("list", { name: "Chats" });
    const shown = page.getByRole("textbox", { name: "Recovery key" });
    await chats.or(shown).first().waitFor();
    const kept = page.getByRole("button", { name: "I have kept it" });
    if (await kept.isVisible()) {
      server.recoveryKeys.set(name, (await shown.textContent()) ?? "");
      await kept.click();
    } else if (await shown.isVisible()) {
      await shown.fill(server.recoveryKeys.get(name) ?? "");
      await page.getByRole("button", { name: "Confirm", exact: true }).click();
    }
    await chats.waitFor();
    return this;
  }

  /** What axe-core finds that is serious or critical, one line each. */
  async accessibility(): Promise<string[]> {
    await this.page.evaluate(axeSource);
    return this.page.evaluate(async () => {
      const axe = (globalThis as unknown as { axe: { run(o: object): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe;
      const { violations } = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
      return violations
        .filter((v) => v.impact === "serious" || v.impact === "critical")
        .flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 200)} ${n.failureSummary}`));
    });
  }

  /** Fails the test if the page complained. */
  clean(): void {
    expect(this.complaints).toEqual([]);
  }

  async close(): Promise<void> {
    await this.context.close();
  }
}

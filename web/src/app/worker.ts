import i18next from "i18next";
import { state } from "@/matrix/client.ts";
import { keptSession } from "@/matrix/session.ts";
import { answerPush, forgetWebPush, renewWebPush } from "@/matrix/webpush.ts";
import { router } from "./router.tsx";

interface FromWorker {
  type: "push" | "open";
  push?: Record<string, unknown>;
  address?: string;
}

/**
 * Tells of the files of the app that this page has loaded and loads, by their paths. The worker sees only what is loaded once it has the page in
 * its control, which is some time after it is ready.
 */
export function followFiles(tell: (paths: string[]) => void): void {
  const told = new Set<string>();
  new PerformanceObserver((list) => {
    const paths = list.getEntries().map((e) => new URL(e.name)).filter((u) => u.origin === location.origin && u.pathname.startsWith("/assets/")).map((u) => u.pathname);
    const fresh = [...new Set(paths)].filter((p) => !told.has(p));
    for (const p of fresh) told.add(p);
    if (fresh.length > 0) tell(fresh);
  }).observe({ type: "resource", buffered: true });
}

/** The subscription of this browser belongs to who is signed in: it is renewed with them, and ends with their session. */
function followSession(): void {
  const follow = (phase: string) => {
    if (phase === "ready") void renewWebPush().catch(() => undefined);
    else if (keptSession() === null) void forgetWebPush();
  };
  follow(state.getState().phase);
  state.subscribe((now, before) => {
    if (now.phase !== before.phase) follow(now.phase);
  });
}

/**
 * Registers the service worker, which lets the app start without a network and hears of messages while it is closed. A browser that
 * has none, or forbids it, does without both.
 */
export async function startWorker(): Promise<void> {
  const container = (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  if (container === undefined) return;
  container.addEventListener("message", (e: MessageEvent<FromWorker>) => {
    if (e.data.type === "open" && e.data.address) void router.navigate({ href: e.data.address });
    if (e.data.type === "push") void answerPush(e.data.push ?? {}).then((handled) => e.ports[0]?.postMessage(handled));
  });
  try {
    await container.register("/sw.js", { type: "module" });
    const { active } = await container.ready;
    const entry = document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src ?? "";
    followFiles((loaded) => active?.postMessage({ type: "keep", entry, loaded }));
    followSession();
    const say = () => active?.postMessage({ type: "texts", text: i18next.t("newMessage", { ns: "app" }) });
    say();
    i18next.on("languageChanged", say);
  } catch (err) {
    console.warn("service worker", err);
  }
}

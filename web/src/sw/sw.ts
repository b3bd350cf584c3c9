/*
 * The service worker: lets the app start without a network, and shows that there are new messages while no page is open.
 *
 * It keeps the page and the files of one version of the app. What it gets by push is an event's and a room's id and the number of unread
 * messages; it has no keys and no token, so it says no more than that there is something.
 */
const worker = self as unknown as ServiceWorkerGlobalScope;

const files = "conclave-files";
const latest = "conclave-page";
const notes = "conclave-notes";

worker.addEventListener("install", () => void worker.skipWaiting());
worker.addEventListener("activate", (e) => e.waitUntil(worker.clients.claim()));

/** Small texts that outlive the worker: it is started anew for each push. */
async function note(name: string, value?: string): Promise<string | null> {
  const cache = await caches.open(notes);
  if (value !== undefined) await cache.put(`/${name}`, new Response(value));
  return (await (await cache.match(`/${name}`))?.text()) ?? null;
}

worker.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (e.request.mode === "navigate") {
    if (!url.pathname.startsWith("/_")) e.respondWith(page(e));
  } else if (url.pathname.startsWith("/assets/")) {
    e.respondWith(file(e));
  }
});

/** Keeps an answer beside giving it: a full disk, or a slow one, costs the copy only. */
function keepCopy(e: FetchEvent, cache: Cache, name: string | Request, answer: Response): void {
  if (answer.ok) e.waitUntil(cache.put(name, answer.clone()).catch(() => undefined));
}

/** The page as the server sends it now; without a network as it was sent last. */
async function page(e: FetchEvent): Promise<Response> {
  const cache = await caches.open(latest);
  try {
    const answer = await fetch(e.request);
    keepCopy(e, cache, "/", answer);
    return answer;
  } catch (err) {
    const kept = await cache.match("/");
    if (kept) return kept;
    throw err;
  }
}

/** A file of the app: its name changes with its content, style sheets aside, so that what is kept is right. */
async function file(e: FetchEvent): Promise<Response> {
  const { request } = e;
  const cache = await caches.open(files);
  const kept = await cache.match(request);
  if (kept && !request.url.endsWith(".css")) return kept;
  try {
    const answer = await fetch(request);
    keepCopy(e, cache, request, answer);
    return answer;
  } catch (err) {
    if (kept) return kept;
    throw err;
  }
}

let keeping: Promise<unknown> = Promise.resolve();

/** Keeps the files that a page of this version loaded; those of an older version go. One call after the other: the first makes room. */
function keepLoaded(entry: string, loaded: string[]): Promise<unknown> {
  return (keeping = keeping.catch(() => undefined).then(() => keep(entry, loaded)));
}

async function keep(entry: string, loaded: string[]): Promise<void> {
  if ((await note("entry")) !== entry) {
    await caches.delete(files);
    await note("entry", entry);
  }
  const cache = await caches.open(files);
  // One that cannot be had costs itself only.
  for (const name of loaded) if (!(await cache.match(name))) await cache.add(name).catch(() => undefined);
}

interface Message {
  type: "keep" | "texts";
  entry?: string;
  loaded?: string[];
  text?: string;
}

worker.addEventListener("message", (e) => {
  const m = e.data as Message;
  if (m.type === "keep") e.waitUntil(keepLoaded(m.entry ?? "", m.loaded ?? []));
  if (m.type === "texts") e.waitUntil(note("text", m.text ?? ""));
});

interface Push {
  ack_token?: string;
  app_id?: string;
  event_id?: string;
  room_id?: string;
  counts?: { unread?: number };
}

/** Asks the open pages whether one of them takes care of it; one that sleeps does not answer. */
async function handledByPage(push: Push): Promise<boolean> {
  const pages = await worker.clients.matchAll({ type: "window" });
  const answers = pages.map(
    (p) =>
      new Promise<boolean>((done) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = (m) => done(m.data === true);
        p.postMessage({ type: "push", push }, [port2]);
        setTimeout(() => done(false), 2000);
      }),
  );
  return (await Promise.all(answers)).some((a) => a);
}

async function pushed(push: Push): Promise<void> {
  const unread = push.counts?.unread ?? 0;
  await (unread > 0 ? navigator.setAppBadge?.(unread) : navigator.clearAppBadge?.())?.catch(() => undefined);
  const handled = await handledByPage(push);
  if (push.ack_token !== undefined) return;
  if (push.event_id === undefined || push.room_id === undefined) {
    if (unread === 0) for (const n of await worker.registration.getNotifications()) n.close();
    return;
  }
  if (handled) return;
  const options = { body: (await note("text")) ?? "New messages", tag: push.room_id, icon: "/icon-192.png", badge: "/icon-192.png", data: push.room_id };
  await worker.registration.showNotification("Conclave", options);
}

worker.addEventListener("push", (e) => {
  let push: Push;
  try {
    push = (e.data?.json() ?? {}) as Push;
  } catch {
    return;
  }
  e.waitUntil(pushed(push));
});

worker.addEventListener("notificationclick", (e) => {
  e.notification.close();
  const address = `/room/${encodeURIComponent(String(e.notification.data ?? ""))}`;
  const open = async () => {
    const [first] = await worker.clients.matchAll({ type: "window" });
    if (first === undefined) {
      await worker.clients.openWindow(address);
      return;
    }
    await first.focus();
    first.postMessage({ type: "open", address });
  };
  e.waitUntil(open());
});

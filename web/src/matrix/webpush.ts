import { api } from "./api.ts";
import { deviceName } from "./signin.ts";
import { state } from "./client.ts";

/*
 * Web Push (MSC4174): the browser's push service wakes the service worker when there are messages and no page is open. The server
 * encrypts what it sends there, and sends ids and counts alone.
 */
const appId = "chat.conclave.web";

const base64url = (bytes: ArrayBuffer | null): string =>
  btoa(String.fromCharCode(...new Uint8Array(bytes ?? new ArrayBuffer(0)))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

interface Capabilities {
  capabilities: { "m.webpush"?: { enabled?: boolean; vapid?: string } };
}

async function registration(): Promise<ServiceWorkerRegistration | null> {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return null;
  return (await navigator.serviceWorker.getRegistration()) ?? null;
}

/** Whether this browser and the server can do it. */
export async function webPushPossible(): Promise<boolean> {
  if ((await registration()) === null) return false;
  const { capabilities } = await api<Capabilities>("/_matrix/client/v3/capabilities");
  return capabilities["m.webpush"]?.enabled === true;
}

export async function webPushOn(): Promise<boolean> {
  return (await (await registration())?.pushManager.getSubscription()) != null;
}

/** Subscribes this browser. False: the user or the browser forbids notifications. */
export async function switchWebPushOn(): Promise<boolean> {
  const r = await registration();
  const { capabilities } = await api<Capabilities>("/_matrix/client/v3/capabilities");
  const vapid = capabilities["m.webpush"]?.vapid;
  if (r === null || vapid === undefined || (await Notification.requestPermission()) !== "granted") return false;
  const s = await r.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: vapid });
  await setPusher(s);
  return true;
}

async function setPusher(s: PushSubscription): Promise<void> {
  const body = {
    kind: "webpush",
    app_id: appId,
    pushkey: base64url(s.getKey("p256dh")),
    app_display_name: "Conclave",
    device_display_name: deviceName(),
    lang: document.documentElement.lang,
    data: { url: s.endpoint, auth: base64url(s.getKey("auth")), format: "event_id_only" },
    append: false,
  };
  await api("/_matrix/client/v3/pushers/set", { method: "POST", body });
}

export async function switchWebPushOff(): Promise<void> {
  const s = await (await registration())?.pushManager.getSubscription();
  if (!s) return;
  const body = { kind: null, app_id: appId, pushkey: base64url(s.getKey("p256dh")), app_display_name: "", device_display_name: "", lang: "", data: {} };
  await api("/_matrix/client/v3/pushers/set", { method: "POST", body }).catch(() => undefined);
  await s.unsubscribe();
}

/** Ends this browser's subscription; the server forgets it with the device. */
export async function forgetWebPush(): Promise<void> {
  await (await (await registration())?.pushManager.getSubscription())?.unsubscribe();
}

/** Tells the server again where this browser is to be reached: a subscription may have changed while the app was closed. */
export async function renewWebPush(): Promise<void> {
  const s = await (await registration())?.pushManager.getSubscription();
  if (s) await setPusher(s);
}

/** What the page does with a push while it is open: it confirms a new subscription, and shows messages by itself. */
export async function answerPush(push: Record<string, unknown>): Promise<boolean> {
  if (typeof push.ack_token === "string") {
    await api("/_matrix/client/v3/pushers/ack", { method: "POST", body: { app_id: push.app_id, ack_token: push.ack_token } }).catch(() => undefined);
    return true;
  }
  const { phase, online } = state.getState();
  return phase === "ready" && online;
}

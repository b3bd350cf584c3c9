import { type MatrixEvent, MatrixEventEvent, type Room, RoomEvent, SyncState } from "matrix-js-sdk";
import { client } from "./client.ts";
import { preferences } from "./preferences.ts";

/** A notification that is to be shown. sender and text are "" where they must not be. */
export interface Alert {
  roomId: string;
  eventId: string;
  room: string;
  sender: string;
  text: string;
}

const key = "conclave.desktop-notifications";
const longestText = 200;

export type DesktopState = "on" | "off" | "refused" | "unsupported";

/** Whether this browser shows notifications; refused by the user or their administrator, in the browser. */
export function desktopState(): DesktopState {
  if (!("Notification" in window)) return "unsupported";
  if (Notification.permission === "denied") return "refused";
  return Notification.permission === "granted" && localStorage.getItem(key) === "on" ? "on" : "off";
}

/** Asks the browser, if it was not asked before. */
export async function setDesktop(on: boolean): Promise<DesktopState> {
  if (on && "Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  if (on && "Notification" in window && Notification.permission === "granted") localStorage.setItem(key, "on");
  else localStorage.removeItem(key);
  return desktopState();
}

/** What an alert may say of an event. */
export function alertOf(event: MatrixEvent, room: Room, content: boolean): Alert {
  const id = { roomId: room.roomId, eventId: event.getId() ?? "" };
  if (!content) return { ...id, room: "", sender: "", text: "" };
  const body: unknown = event.isDecryptionFailure() ? "" : event.getContent().body;
  const text = typeof body === "string" ? (body.length > longestText ? `${body.slice(0, longestText)}…` : body) : "";
  return { ...id, room: room.name, sender: event.sender?.name ?? event.getSender() ?? "", text };
}

const away = (): boolean => document.visibilityState === "hidden" || !document.hasFocus();

/** Calls show for each new message that the push rules let notify, while the page is not looked at. Returns what ends it. */
export function watchForAlerts(show: (a: Alert) => void): () => void {
  const c = client();
  const waiting = new Set<string>();
  const consider = (event: MatrixEvent) => {
    const room = c.getRoom(event.getRoomId());
    if (!room || !away() || desktopState() !== "on" || room.hasUserReadEvent(c.getSafeUserId(), event.getId() ?? "")) return;
    if (c.getPushActionsForEvent(event)?.notify) show(alertOf(event, room, preferences().notificationContent));
  };
  const onTimeline = (event: MatrixEvent, _room: Room | undefined, toStart: boolean | undefined, _removed: boolean, data: { liveEvent?: boolean }) => {
    if (toStart || !data.liveEvent || c.getSyncState() !== SyncState.Syncing || event.getSender() === c.getUserId()) return;
    if (event.isEncrypted() && (event.isBeingDecrypted() || event.shouldAttemptDecryption())) waiting.add(event.getId() ?? "");
    else consider(event);
  };
  const onDecrypted = (event: MatrixEvent) => {
    if (waiting.delete(event.getId() ?? "")) consider(event);
  };
  const onMembership = (room: Room, membership: string) => {
    const event = room.currentState.getStateEvents("m.room.member", c.getSafeUserId());
    if (membership === "invite" && event && c.getSyncState() === SyncState.Syncing) consider(event);
  };
  c.on(RoomEvent.Timeline, onTimeline);
  c.on(MatrixEventEvent.Decrypted, onDecrypted);
  c.on(RoomEvent.MyMembership, onMembership);
  return () => {
    c.off(RoomEvent.Timeline, onTimeline);
    c.off(MatrixEventEvent.Decrypted, onDecrypted);
    c.off(RoomEvent.MyMembership, onMembership);
  };
}


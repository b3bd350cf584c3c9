import { notifications } from "@mantine/notifications";
import type { TFunction } from "i18next";
import { startEdit, startReply } from "@/composer/state.ts";
import type { ShortcutName } from "@/keyboard/shortcuts.ts";
import { geoOf } from "@/matrix/location.ts";
import type { Message } from "@/matrix/message.ts";
import { canForward, linkTo, powersOver } from "@/matrix/messageActions.ts";
import { reasonOf } from "@/matrix/outbox.ts";
import { setPinned } from "@/matrix/pins.ts";
import { dropUnsent, retrySending } from "@/matrix/timeline.ts";
import type { IconName } from "@/ui/Icon.tsx";
import { type DialogKind, openOverlay, type TimelineHandle } from "./state.ts";

/** Something that can be done with a message. The text is `act.NAME`. */
export interface Act {
  name: string;
  icon: IconName;
  /** The key that does it while the message has the focus. */
  key?: ShortcutName;
  danger?: boolean;
  /** Stands in the menu's second part. */
  rare?: boolean;
  run: (at: { x: number; y: number }) => void;
}

async function tell(work: Promise<unknown>, t: TFunction<"timeline">, done?: string): Promise<void> {
  try {
    await work;
    if (done !== undefined) notifications.show({ message: done });
  } catch (err) {
    notifications.show({ color: "red", title: t("refused"), message: reasonOf(err).message });
  }
}

export { tell };

function copyable(m: Message): string {
  return m.body.kind === "text" ? m.body.text : m.body.kind === "file" ? m.body.file.caption || m.body.file.name : m.body.kind === "location" ? geoOf(m.body) : "";
}

/** All that the user can do with a message now, in the order of the menu. */
export function actsOn(m: Message, handle: TimelineHandle, forwarding: boolean, t: TFunction<"timeline">): Act[] {
  const { place, openThread } = handle;
  const { roomId } = place;
  const acts: Act[] = [];
  const dialog = (kind: DialogKind) => () => openOverlay({ kind, place, id: m.id });
  if (m.status === "failed") {
    acts.push({ name: "retry", icon: "retry", key: "retry", run: () => void retrySending(roomId, m.id) });
    if (copyable(m) !== "") acts.push({ name: "copy", icon: "copy", key: "copy", run: () => void tell(navigator.clipboard.writeText(copyable(m)), t, t("copied")) });
    acts.push({ name: "drop", icon: "trash", key: "drop", danger: true, run: () => void dropUnsent(roomId, m.id) });
    return acts;
  }
  const may = powersOver(roomId, m.id);
  const readable = m.body.kind !== "redacted" && m.body.kind !== "unreadable" && m.body.kind !== "decrypting" && m.body.kind !== "state";
  if (readable && may.react) acts.push({ name: "react", icon: "react", key: "react", run: (at) => openOverlay({ kind: "picker", place, id: m.id, ...at }) });
  if (readable && may.write) acts.push({ name: "reply", icon: "reply", key: "reply", run: () => startReply(place, m.id) });
  if (readable && may.write && place.threadId === undefined) acts.push({ name: "thread", icon: "thread", key: "thread", run: () => openThread(m.id) });
  if (may.edit) acts.push({ name: "edit", icon: "pencil", key: "edit", run: () => startEdit(place, m.id) });
  if (readable && copyable(m) !== "") acts.push({ name: "copy", icon: "copy", key: "copy", run: () => void tell(navigator.clipboard.writeText(copyable(m)), t, t("copied")) });
  if (m.status === "sent") acts.push({ name: "link", icon: "link", key: "link", run: () => void tell(navigator.clipboard.writeText(linkTo(roomId, m.id)), t, t("linkCopied")) });
  if (readable && forwarding && canForward(roomId, m.id)) acts.push({ name: "forward", icon: "forward", key: "forward", run: dialog("forward") });
  if (readable && may.pin) acts.push({ name: m.pinned ? "unpin" : "pin", icon: "pin", key: "pin", run: () => void tell(setPinned(roomId, m.id, !m.pinned), t) });
  if (!m.mine) acts.push({ name: "person", icon: "person", rare: true, run: () => handle.openPerson(m.sender.id) });
  if (m.edited) acts.push({ name: "history", icon: "history", rare: true, run: dialog("history") });
  if (m.reactions.length > 0) acts.push({ name: "reactions", icon: "react", rare: true, run: dialog("reactions") });
  if (m.status === "sent") acts.push({ name: "source", icon: "source", rare: true, run: dialog("source") });
  if (!m.mine && readable) acts.push({ name: "report", icon: "report", rare: true, run: dialog("report") });
  if (may.remove) acts.push({ name: "delete", icon: "trash", key: "delete", danger: true, rare: true, run: dialog("delete") });
  return acts;
}

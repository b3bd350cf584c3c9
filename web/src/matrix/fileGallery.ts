import { Direction, type MatrixEvent, RoomEvent } from "matrix-js-sdk";
import { useCallback, useEffect, useRef, useState } from "react";
import { client } from "./client.ts";
import { type FileInfo, fileOf } from "./file.ts";
import { isGone } from "./retention.ts";
import { useView } from "./subscribe.ts";

/** A file of a room. */
export interface RoomFile {
  eventId: string;
  senderId: string;
  sender: string;
  at: number;
  file: FileInfo;
}

export interface RoomFiles {
  /** The newest first. */
  files: RoomFile[];
  /** Reads further back, until something was found or the history ends. */
  more: () => Promise<void>;
  loading: boolean;
  done: boolean;
  error: boolean;
}

const pageSize = 100;

function toFile(event: MatrixEvent): RoomFile | null {
  const id = event.getId();
  if (id === undefined || event.isRedacted() || event.status !== null || event.isRelation("m.replace") || isGone(event)) return null;
  const file = event.getType() === "m.room.message" ? fileOf("m.room.message", event.getContent()) : null;
  if (file === null) return null;
  const senderId = event.getSender() ?? "";
  const member = client().getRoom(event.getRoomId())?.getMember(senderId);
  return { eventId: id, senderId, sender: member?.rawDisplayName || senderId, at: event.getTs(), file };
}

/** Reads one page of a room's history by itself: the timeline that is shown stays where it is. */
async function page(roomId: string, from: string | null): Promise<{ files: RoomFile[]; next: string | null }> {
  const c = client();
  const answer = await c.createMessagesRequest(roomId, from, pageSize, Direction.Backward);
  const map = c.getEventMapper({ decrypt: false });
  const events = answer.chunk.map((e) => c.getRoom(roomId)?.findEventById(e.event_id ?? "") ?? map(e));
  await Promise.all(events.map((e) => c.decryptEventIfNeeded(e).catch(() => undefined)));
  return { files: events.flatMap((e) => toFile(e) ?? []), next: answer.chunk.length > 0 ? (answer.end ?? null) : null };
}

/** The files of a room, as far back as was asked for, and those that arrive meanwhile. */
export function useRoomFiles(roomId: string): RoomFiles {
  const [old, setOld] = useState<RoomFile[]>([]);
  const [state, setState] = useState({ loading: false, done: false, error: false });
  const at = useRef<{ next: string | null; busy: boolean; begun: boolean }>({ next: null, busy: false, begun: false });

  const more = useCallback(async () => {
    const position = at.current;
    if (position.busy || (position.begun && position.next === null)) return;
    position.busy = true;
    setState({ loading: true, done: false, error: false });
    try {
      let found = 0;
      do {
        const { files, next } = await page(roomId, position.next);
        Object.assign(position, { next, begun: true });
        found += files.length;
        setOld((all) => [...all, ...files]);
      } while (found === 0 && position.next !== null);
      setState({ loading: false, done: position.next === null, error: false });
    } catch {
      setState({ loading: false, done: false, error: true });
    } finally {
      position.busy = false;
    }
  }, [roomId]);
  useEffect(() => void more(), [more]);

  const live = useView(
    `files ${roomId}`,
    () => [[client(), [RoomEvent.Timeline, RoomEvent.Redaction, RoomEvent.LocalEchoUpdated, "Event.decrypted"]]],
    () => {
      const room = client().getRoom(roomId);
      const events = room?.getLiveTimeline().getEvents() ?? [];
      return { gone: events.filter((e) => e.isRedacted()).map((e) => e.getId() ?? ""), files: events.flatMap((e) => toFile(e) ?? []).reverse() };
    },
    (a, b) => a.gone.length === b.gone.length && a.files.length === b.files.length && a.files.every((f, i) => f.eventId === b.files[i]?.eventId),
  );
  const gone = new Set(live.gone);
  const seen = new Set<string>();
  const files = [...live.files, ...old].filter((f) => !gone.has(f.eventId) && !seen.has(f.eventId) && seen.add(f.eventId)).sort((a, b) => b.at - a.at);
  return { files, more, ...state };
}

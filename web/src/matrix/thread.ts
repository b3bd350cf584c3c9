import { ClientEvent, RoomEvent, type Thread, ThreadEvent } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import { client } from "./client.ts";
import { type Body, bodyOf, type Person, personOf } from "./message.ts";
import { isGone } from "./retention.ts";
import { same } from "./timelineSame.ts";
import { useView } from "./subscribe.ts";

/** A row of the list of threads. */
export interface ThreadRow {
  id: string;
  sender: Person;
  body: Body | null;
  count: number;
  lastSender: Person | null;
  lastBody: Body | null;
  at: number; // of the last message
  unread: number;
  mentions: number;
}

function row(thread: Thread): ThreadRow {
  const { room, rootEvent } = thread;
  const last = thread.replyToEvent;
  const lastSender = last?.getSender();
  return {
    id: thread.id,
    sender: personOf(room, rootEvent?.getSender() ?? ""),
    body: rootEvent && !isGone(rootEvent) ? bodyOf(rootEvent, room) : null,
    count: thread.length,
    lastSender: lastSender === undefined ? null : personOf(room, lastSender),
    lastBody: last && !isGone(last) ? bodyOf(last, room) : null,
    at: last?.getTs() ?? rootEvent?.getTs() ?? 0,
    unread: room.getThreadUnreadNotificationCount(thread.id),
    mentions: room.getThreadUnreadNotificationCount(thread.id, "highlight" as never),
  };
}

/** All threads of a room, those with the newest messages first; `loading` while the server is asked. */
export function useThreads(roomId: string): { rows: ThreadRow[]; loading: boolean } {
  const [loading, setLoading] = useState(true);
  useEffect(() => {
    let gone = false;
    const room = client().getRoom(roomId);
    void (async () => {
      await room?.createThreadsTimelineSets();
      await room?.fetchRoomThreads();
    })()
      .catch(() => undefined)
      .finally(() => {
        if (!gone) setLoading(false);
      });
    return () => {
      gone = true;
    };
  }, [roomId]);
  const rows = useView(
    `threads ${roomId}`,
    () => {
      const room = client().getRoom(roomId);
      return room ? [[room, [ThreadEvent.New, ThreadEvent.Update, ThreadEvent.NewReply, ThreadEvent.Delete, RoomEvent.Timeline, RoomEvent.Redaction, RoomEvent.UnreadNotifications]], [client(), [ClientEvent.Sync]]] : [];
    },
    () =>
      (client().getRoom(roomId)?.getThreads() ?? [])
        .filter((t) => t.length > 0)
        .map(row)
        .sort((a, b) => b.at - a.at),
    same,
  );
  return { rows, loading };
}

/** The number of threads with something unread, and whether somebody mentioned the user in one. */
export function useThreadsUnread(roomId: string): { unread: number; mention: boolean } {
  return useView(
    `threads unread ${roomId}`,
    () => {
      const room = client().getRoom(roomId);
      return room ? [[room, [RoomEvent.UnreadNotifications, ThreadEvent.Update, ThreadEvent.New]]] : [];
    },
    () => {
      const room = client().getRoom(roomId);
      const threads = room?.getThreads() ?? [];
      const unread = threads.filter((t) => (room?.getThreadUnreadNotificationCount(t.id) ?? 0) > 0);
      return { unread: unread.length, mention: unread.some((t) => (room?.getThreadUnreadNotificationCount(t.id, "highlight" as never) ?? 0) > 0) };
    },
    same,
  );
}

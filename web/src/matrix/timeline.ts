import { MatrixEventEvent, RoomEvent } from "matrix-js-sdk";
import { client } from "./client.ts";
import { useView } from "./subscribe.ts";

export interface Message {
  id: string;
  sender: string;
  body: string;
}

/** The messages of a room that are loaded. */
export function useMessages(roomId: string): Message[] {
  return useView(
    `messages ${roomId}`,
    () => [[client(), [RoomEvent.Timeline, RoomEvent.LocalEchoUpdated, MatrixEventEvent.Decrypted]]],
    () =>
      (client().getRoom(roomId)?.getLiveTimeline().getEvents() ?? [])
        .filter((e) => e.getType() === "m.room.message")
        .map((e) => ({ id: e.getId() ?? "", sender: e.sender?.name ?? e.getSender() ?? "", body: String(e.getContent().body ?? "") })),
    (a, b) => a.length === b.length && a.every((m, i) => m.id === b[i]?.id && m.body === b[i]?.body),
  );
}

/** Sends a text. */
export async function sendText(roomId: string, text: string): Promise<void> {
  await client().sendTextMessage(roomId, text);
}

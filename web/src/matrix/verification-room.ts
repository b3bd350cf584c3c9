import { EventType, type MatrixClient, Preset } from "matrix-js-sdk";
import { whenLiveOrOffline } from "./live.ts";

/** The direct chat with a person; a new, encrypted one if there is none. */
export async function directRoomFor(c: MatrixClient, userId: string): Promise<string> {
  await whenLiveOrOffline(c);
  const directs = { ...(c.getAccountData(EventType.Direct)?.getContent<Record<string, string[]>>() ?? {}) };
  const known = Array.isArray(directs[userId]) ? directs[userId] : [];
  for (const id of known) {
    const room = c.getRoom(id);
    const theirs = room?.getMember(userId)?.membership;
    if (room?.getMyMembership() === "join" && (theirs === "join" || theirs === "invite")) return id;
  }
  const { room_id } = await c.createRoom({
    preset: Preset.TrustedPrivateChat,
    is_direct: true,
    invite: [userId],
    initial_state: [{ type: EventType.RoomEncryption, state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } }],
  });
  await c.setAccountData(EventType.Direct, { ...directs, [userId]: [room_id, ...known] });
  return room_id;
}

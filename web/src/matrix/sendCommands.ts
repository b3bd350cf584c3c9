import { client } from "./client.ts";

/* What slash commands do beside sending text. Each throws what the server says. */

export const setTopic = async (roomId: string, topic: string): Promise<void> => {
  await client().setRoomTopic(roomId, topic);
};

export const setOwnName = async (name: string): Promise<void> => {
  await client().setDisplayName(name);
};

export const invite = async (roomId: string, userId: string, reason?: string): Promise<void> => {
  await client().invite(roomId, userId, reason ? { reason } : {});
};

export const kick = async (roomId: string, userId: string, reason?: string): Promise<void> => {
  await client().kick(roomId, userId, reason);
};

export const ban = async (roomId: string, userId: string, reason?: string): Promise<void> => {
  await client().ban(roomId, userId, reason);
};

export const unban = async (roomId: string, userId: string): Promise<void> => {
  await client().unban(roomId, userId);
};

/** Joins a room by its id or address and gives its id. */
export const join = async (room: string): Promise<string> => (await client().joinRoom(room)).roomId;

export const leave = async (roomId: string): Promise<void> => {
  await client().leave(roomId);
};

/** The whole id of somebody named with or without the server. */
export function wholeUserId(name: string): string | null {
  const server = client().getDomain() ?? "";
  const whole = /^@[^\s:@]+:\S+$/.test(name) ? name : `@${name.replace(/^@/, "").toLowerCase()}:${server}`;
  return /^@[a-z0-9._=/+-]+:\S+$/i.test(whole) ? whole : null;
}

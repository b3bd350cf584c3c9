import type { Locator } from "playwright-core";
import type { Person } from "./browser.ts";
import type { Server } from "./server.ts";

/** A row of the list of chats, by a part of what it says. */
export function chat(p: Person, says: RegExp | string): Locator {
  return p.page.getByRole("list", { name: "Chats" }).getByRole("link").filter({ hasText: says });
}

/** Another client, as a script has it. */
export interface Client {
  id: string;
  token: string;
  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  say(roomId: string, body: string, more?: object): Promise<string>;
}

let count = 0;

export async function client(server: Server, name: string): Promise<Client> {
  const token = await server.token(name);
  const call = <T>(method: string, path: string, body?: unknown) => server.api<T>(method, `/_matrix/client/v3${path}`, token, body);
  return {
    id: `@${name}:localhost`,
    token,
    call,
    say: async (roomId, body, more = {}) =>
      (await call<{ event_id: string }>("PUT", `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${++count}`, { msgtype: "m.text", body, ...more })).event_id,
  };
}

/** Makes a room. */
export async function room(c: Client, options: object): Promise<string> {
  return (await c.call<{ room_id: string }>("POST", "/createRoom", { preset: "private_chat", ...options })).room_id;
}

import type { Locator } from "playwright-core";
import { type Person } from "./browser.ts";
import { type Server } from "./server.ts";

/** A client without encryption, as a script would be one. */
export class Script {
  readonly server: Server;
  readonly token: string;
  readonly name: string;
  readonly id: string;

  private constructor(server: Server, name: string, token: string) {
    this.server = server;
    this.name = name;
    this.id = `@${name}:localhost`;
    this.token = token;
  }

  static async of(server: Server, name: string): Promise<Script> {
    return new Script(server, name, await server.token(name));
  }

  /** Makes a room without encryption, with others invited. */
  async room(name: string, invite: string[] = []): Promise<string> {
    return this.makeRoom({ name, invite: invite.map((u) => `@${u}:localhost`) });
  }

  /** Makes a room as the options of createRoom say. */
  async makeRoom(options: object): Promise<string> {
    const { room_id } = await this.call<{ room_id: string }>("POST", "/createRoom", { preset: "private_chat", ...options });
    return room_id;
  }

  async join(room: string): Promise<void> {
    await this.call("POST", `/join/${encodeURIComponent(room)}`, {});
  }

  async send(room: string, content: object, type = "m.room.message"): Promise<string> {
    const { event_id } = await this.call<{ event_id: string }>("PUT", `/rooms/${encodeURIComponent(room)}/send/${type}/${crypto.randomUUID()}`, content);
    return event_id;
  }

  text(room: string, body: string, more: object = {}): Promise<string> {
    return this.send(room, { msgtype: "m.text", body, ...more });
  }

  call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
    return this.server.api<T>(method, `/_matrix/client/v3${path}`, this.token, body);
  }
}

/** Opens a room by its address, and waits for its messages. */
export async function openRoom(p: Person, room: string, query = ""): Promise<void> {
  await p.page.goto(`/room/${encodeURIComponent(room)}${query}`);
  await p.page.getByRole("log", { name: "Messages" }).waitFor();
}

/** A row of the list of chats, by a part of what it says. */
export function chat(p: Person, says: RegExp | string): Locator {
  return p.page.getByRole("list", { name: "Chats" }).getByRole("link").filter({ hasText: says });
}

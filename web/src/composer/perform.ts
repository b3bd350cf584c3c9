import * as act from "@/matrix/sendCommands.ts";
import { type Command, splitPerson } from "./commands.ts";
import type { Mention } from "./markdown.ts";

/** Where one is after a command: the room that was joined, home after leaving; undefined where it changed nothing about that. */
export type Outcome = { open: string } | "home" | undefined;

/** A command that names nobody who can exist. */
export class NobodyError extends Error {}

/** Carries out a command that does something. It throws what the server says. */
export async function perform({ name }: Command, rest: string, roomId: string, mentions: readonly Mention[]): Promise<Outcome> {
  const { person, reason } = splitPerson(rest, mentions);
  const user = (): string => {
    const id = act.wholeUserId(person);
    if (id === null) throw new NobodyError(person);
    return id;
  };
  switch (name) {
    case "topic":
      return void (await act.setTopic(roomId, rest));
    case "nick":
      return void (await act.setOwnName(rest));
    case "invite":
      return void (await act.invite(roomId, user(), reason));
    case "kick":
      return void (await act.kick(roomId, user(), reason));
    case "ban":
      return void (await act.ban(roomId, user(), reason));
    case "unban":
      return void (await act.unban(roomId, user()));
    case "join":
      return { open: await act.join(rest) };
    case "leave":
      await act.leave(roomId);
      return "home";
    default:
      throw new Error(`no command ${name}`);
  }
}

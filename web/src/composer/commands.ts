/** What a slash command is given. */
export type Argument = "none" | "text" | "person" | "room" | "text?";

export interface Command {
  name: string;
  /** What stands after the name in the help. */
  argument: Argument;
  /** Sends a message rather than doing something. */
  sends?: boolean;
}

/** All commands; what they do is the text `command.NAME` of this folder. */
export const commands: readonly Command[] = [
  { name: "me", argument: "text", sends: true },
  { name: "shrug", argument: "text?", sends: true },
  { name: "plain", argument: "text", sends: true },
  { name: "poll", argument: "text?" },
  { name: "topic", argument: "text" },
  { name: "nick", argument: "text" },
  { name: "invite", argument: "person" },
  { name: "kick", argument: "person" },
  { name: "ban", argument: "person" },
  { name: "unban", argument: "person" },
  { name: "join", argument: "room" },
  { name: "leave", argument: "none" },
  { name: "help", argument: "none" },
];

export type Parsed =
  | { kind: "text"; text: string }
  | { kind: "command"; command: Command; rest: string }
  | { kind: "incomplete"; command: Command }
  | { kind: "unknown"; name: string };

/** Reads what was written. Two slashes at the beginning are one, and no command; neither is a path. */
export function parse(source: string): Parsed {
  if (source.startsWith("//")) return { kind: "text", text: source.slice(1) };
  const found = /^\/([a-z]+)(?:\s+([\s\S]*))?$/i.exec(source.trim());
  if (!found) return { kind: "text", text: source };
  const name = (found[1] ?? "").toLowerCase();
  const rest = (found[2] ?? "").trim();
  const command = commands.find((c) => c.name === name);
  if (!command) return { kind: "unknown", name };
  if (rest === "" && command.argument !== "none" && command.argument !== "text?") return { kind: "incomplete", command };
  return { kind: "command", command, rest };
}

/** A person and, after the name, an optional reason. A name that was chosen in the completion counts as the person. */
export function splitPerson(rest: string, mentions: readonly { text: string; id: string }[]): { person: string; reason: string } {
  const chosen = mentions.filter((m) => rest.startsWith(m.text)).sort((a, b) => b.text.length - a.text.length)[0];
  if (chosen) return { person: chosen.id, reason: rest.slice(chosen.text.length).trim() };
  const [person = "", ...reason] = rest.split(/\s+/);
  return { person, reason: reason.join(" ") };
}

import type { Preferences } from "@/matrix/preferences.ts";

/*
 * All keys of the app. Who listens for keys asks for them by a name of this table, and the list that users see is made from it, so that
 * the two cannot differ.
 */

export const groups = ["everywhere", "chats", "messages", "writing", "search", "viewer"] as const;

export interface Shortcut {
  group: (typeof groups)[number];
  /** Any of these: modifiers and what KeyboardEvent.key is, with spaces between. `mod` is Ctrl, on a Mac the command key. */
  keys: readonly string[];
  /** In their place where the user sends with Ctrl and Enter. */
  ctrlEnter?: readonly string[];
  /** The browser or a library does it without asking here. */
  native?: true;
}

const table = {
  shortcuts: { group: "everywhere", keys: ["mod /"] },
  switcher: { group: "everywhere", keys: ["mod k"] },
  close: { group: "everywhere", keys: ["Escape"], native: true },
  walkMenus: { group: "everywhere", keys: ["ArrowUp", "ArrowDown"], native: true },

  previousChat: { group: "chats", keys: ["alt ArrowUp"] },
  nextChat: { group: "chats", keys: ["alt ArrowDown"] },
  previousUnread: { group: "chats", keys: ["alt shift ArrowUp"] },
  nextUnread: { group: "chats", keys: ["alt shift ArrowDown"] },
  toChats: { group: "chats", keys: ["ArrowDown"] },
  walkChats: { group: "chats", keys: ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"] },
  clearFilter: { group: "chats", keys: ["Escape"] },
  chatMenu: { group: "chats", keys: ["ContextMenu", "shift F10"], native: true },

  markRead: { group: "messages", keys: ["Escape"] },
  walkMessages: { group: "messages", keys: ["ArrowUp", "ArrowDown"] },
  react: { group: "messages", keys: ["+"] },
  reply: { group: "messages", keys: ["r"] },
  thread: { group: "messages", keys: ["t"] },
  edit: { group: "messages", keys: ["e"] },
  copy: { group: "messages", keys: ["c"] },
  link: { group: "messages", keys: ["l"] },
  forward: { group: "messages", keys: ["f"] },
  pin: { group: "messages", keys: ["p"] },
  delete: { group: "messages", keys: ["Delete"] },
  retry: { group: "messages", keys: ["r"] },
  drop: { group: "messages", keys: ["Delete"] },
  messageMenu: { group: "messages", keys: ["ContextMenu", "shift F10"], native: true },

  send: { group: "writing", keys: ["Enter", "mod Enter"], ctrlEnter: ["mod Enter"] },
  line: { group: "writing", keys: ["shift Enter"], ctrlEnter: ["Enter"], native: true },
  editLast: { group: "writing", keys: ["ArrowUp"] },
  cancel: { group: "writing", keys: ["Escape"] },
  bold: { group: "writing", keys: ["mod b"] },
  italic: { group: "writing", keys: ["mod i"] },
  strike: { group: "writing", keys: ["mod shift x"] },
  code: { group: "writing", keys: ["mod e"] },
  walkChoices: { group: "writing", keys: ["ArrowUp", "ArrowDown"] },
  takeChoice: { group: "writing", keys: ["Tab", "Enter"] },
  dropChoices: { group: "writing", keys: ["Escape"] },

  searchHere: { group: "search", keys: ["mod f"] },
  searchAll: { group: "search", keys: ["mod shift f"] },
  toResults: { group: "search", keys: ["ArrowDown", "Enter"] },
  walkResults: { group: "search", keys: ["ArrowUp", "ArrowDown", "Home", "End"] },
  clearSearch: { group: "search", keys: ["Escape"] },

  older: { group: "viewer", keys: ["ArrowLeft"] },
  newer: { group: "viewer", keys: ["ArrowRight"] },
  larger: { group: "viewer", keys: ["+", "="] },
  smaller: { group: "viewer", keys: ["-"] },
  scroll: { group: "viewer", keys: ["PageUp", "PageDown", "Home", "End"], native: true },
} as const satisfies Record<string, Shortcut>;

export type ShortcutName = keyof typeof table;
export const shortcuts: Readonly<Record<ShortcutName, Shortcut>> = table;
export const names = Object.keys(table) as ShortcutName[];

type SendWith = Preferences["sendWith"];

/** The key combinations of a name, any of which does. */
export function keysOf(name: ShortcutName, sendWith: SendWith = "enter"): readonly string[] {
  const { keys, ctrlEnter } = shortcuts[name];
  return sendWith === "ctrl-enter" && ctrlEnter ? ctrlEnter : keys;
}

export const onMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);

export type Pressed = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/** What was typed; with letters of another alphabet, what stands at that place of a Latin keyboard. */
function typed({ key, code }: Pressed): string {
  if (key.length !== 1) return key;
  const latin = /^Key([A-Z])$/.exec(code)?.[1];
  return (key > "\u007f" && latin ? latin : key).toLowerCase();
}

function fits(combination: string, e: Pressed): boolean {
  const parts = combination.split(" ");
  const key = parts.pop() as string;
  const [mod, other] = onMac() ? [e.metaKey, e.ctrlKey] : [e.ctrlKey, e.metaKey];
  if (other || mod !== parts.includes("mod") || e.altKey !== parts.includes("alt")) return false;
  // Whether a sign needs Shift is a matter of the keyboard: a slash does on a German one.
  const sign = key.length === 1 && !/[a-z]/.test(key);
  return (sign || e.shiftKey === parts.includes("shift")) && typed(e) === key;
}

/** Whether a key that was pressed is one of a name. */
export const pressed = (e: Pressed, name: ShortcutName, sendWith?: SendWith): boolean => keysOf(name, sendWith).some((k) => fits(k, e));

/** The keys as aria-keyshortcuts wants them. */
export function ariaKeys(name: ShortcutName): string {
  const part = (p: string) => ({ mod: onMac() ? "Meta" : "Control", alt: "Alt", shift: "Shift", "+": "Plus" })[p] ?? (p.length === 1 ? p.toUpperCase() : p);
  return keysOf(name).map((k) => k.split(" ").map(part).join("+")).join(" ");
}

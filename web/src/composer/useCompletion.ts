import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMentionable, useNameable } from "@/matrix/sendRoom.ts";
import { useEmoji } from "@/ui/emoji.ts";
import { commands } from "./commands.ts";
import { best, type Trigger, triggerAt } from "./completion.ts";
import type { Draft } from "./drafts.ts";
import type { Mention } from "./markdown.ts";

/** One line of the popup, and what it puts into the text. */
export interface Choice {
  key: string;
  title: string;
  detail: string;
  avatar?: { id: string; name: string; mxc: string | null };
  emoji?: string;
  insert: string;
  mention?: Mention;
}

export interface Completion {
  kind: Trigger["kind"] | null;
  choices: Choice[];
  active: number;
  move: (by: 1 | -1) => void;
  dismiss: () => void;
  /** The text and the caret after a choice. */
  apply: (choice: Choice, draft: Draft) => { draft: Draft; caret: number };
}

/** What can complete the word before the caret. */
export function useCompletion(roomId: string, text: string, caret: number, mayRoom: boolean): Completion {
  const { t, i18n } = useTranslation("composer");
  const [dismissed, setDismissed] = useState("");
  const [chosen, setChosen] = useState({ at: "", index: 0 });
  const found = triggerAt(text, caret);
  const at = found ? `${found.kind} ${found.from} ${found.query}` : "";
  const trigger = found && dismissed !== `${found.kind} ${found.from}` ? found : null;
  const people = useMentionable(roomId);
  const rooms = useNameable();
  const emoji = useEmoji(i18n.language, trigger?.kind === "emoji");

  const choices = useMemo((): Choice[] => {
    if (!trigger) return [];
    const q = trigger.query;
    switch (trigger.kind) {
      case "person": {
        const list = best(people, (p) => [p.name, p.id.slice(1)], q).map(
          (p): Choice => ({ key: p.id, title: p.name, detail: p.id, avatar: { id: p.id, name: p.name, mxc: p.avatar }, insert: `@${p.name} `, mention: { text: `@${p.name}`, id: p.id } }),
        );
        if (mayRoom && "room".startsWith(q.toLowerCase())) list.push({ key: "@room", title: "@room", detail: t("completion.all"), insert: "@room " });
        return list;
      }
      case "room":
        return best(rooms, (r) => [r.name, r.alias.slice(1)], q).map((r) => ({
          key: r.id, title: r.name, detail: r.alias, avatar: { id: r.id, name: r.name, mxc: r.avatar }, insert: `${r.alias} `, mention: { text: r.alias, id: r.alias },
        }));
      case "emoji":
        return best(emoji, (e) => [...e.codes, e.label, ...e.tags], q).map((e) => ({ key: e.emoji, title: `:${e.codes[0] ?? e.label}:`, detail: e.label, emoji: e.emoji, insert: `${e.emoji} ` }));
      case "command":
        return commands
          .filter((c) => c.name.startsWith(q.toLowerCase()))
          .map((c) => ({ key: c.name, title: `/${c.name} ${t(`argument.${c.argument}`)}`.trim(), detail: t(`command.${c.name}`), insert: `/${c.name} ` }));
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `at` stands for the trigger
  }, [at, trigger === null, people, rooms, emoji, mayRoom, t]);

  const active = chosen.at === at ? Math.min(chosen.index, choices.length - 1) : 0;
  return {
    kind: choices.length > 0 ? (trigger?.kind ?? null) : null,
    choices,
    active,
    move: (by) => setChosen({ at, index: (active + by + choices.length) % choices.length }),
    dismiss: () => setDismissed(trigger ? `${trigger.kind} ${trigger.from}` : ""),
    apply(choice, draft) {
      const { from, to } = trigger ?? { from: caret, to: caret };
      const rest = draft.text.slice(to).replace(/^ /, "");
      const mentions = choice.mention ? [...draft.mentions.filter((m) => m.text !== choice.mention?.text), choice.mention] : draft.mentions;
      return { draft: { text: draft.text.slice(0, from) + choice.insert + rest, mentions }, caret: from + choice.insert.length };
    },
  };
}

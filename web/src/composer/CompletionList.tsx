import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./Composer.module.css";
import type { Choice, Completion } from "./useCompletion.ts";

/** The choices above the writing field. The focus stays in the field; the arrow keys move there. */
export function CompletionList({ id, completion, onPick }: { id: string; completion: Completion; onPick: (choice: Choice) => void }) {
  const { t } = useTranslation("composer");
  const active = useRef<HTMLDivElement>(null);
  useEffect(() => {
    active.current?.scrollIntoView({ block: "nearest" });
  }, [completion.active]);
  return (
    <div className={classes.choices} id={id} role="listbox" aria-label={t(`completion.${completion.kind}`)}>
      {completion.choices.map((c, i) => (
        <div
          key={c.key}
          id={`${id}-${i}`}
          ref={i === completion.active ? active : undefined}
          role="option"
          aria-selected={i === completion.active}
          className={classes.choice}
          // The mouse must not take the focus out of the field.
          onMouseDown={(e) => {
            e.preventDefault();
            onPick(c);
          }}
        >
          {c.avatar && <Avatar id={c.avatar.id} name={c.avatar.name} mxc={c.avatar.mxc} size={24} />}
          {c.emoji && <span className={classes.choiceEmoji}>{c.emoji}</span>}
          <span className={classes.choiceTitle}>{c.title}</span>
          {c.avatar?.id.startsWith("@") && <ExternalMark userId={c.avatar.id} />}
          <span className={classes.choiceDetail}>{c.detail}</span>
        </div>
      ))}
    </div>
  );
}

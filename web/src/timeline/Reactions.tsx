import { Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Message } from "@/matrix/message.ts";
import { toggleReaction } from "@/matrix/relations.ts";
import { tell } from "./acts.ts";
import classes from "./Parts.module.css";
import { Icon } from "@/ui/Icon.tsx";
import { openOverlay, useTimelineHandle } from "./state.ts";

/** The reactions to a message, one button for each emoji. */
export function Reactions({ message }: { message: Message }) {
  const { t } = useTranslation("timeline");
  const { place } = useTimelineHandle();
  return (
    <div className={classes.reactions} role="group" aria-label={t("reactions")}>
      {message.reactions.map((r) => {
        const people = r.people.slice(0, 20).join(", ") + (r.people.length > 20 ? ` +${r.people.length - 20}` : "");
        return (
          <Tooltip key={r.key} label={people} multiline maw="20rem">
            <button type="button" className={classes.reaction} aria-pressed={r.mine !== null} aria-label={`${r.key} ${r.count}: ${people}`} onClick={() => void tell(toggleReaction(place.roomId, message.id, r.key), t)}>
              <span className={classes.reactionKey}>{r.key}</span> {r.count}
            </button>
          </Tooltip>
        );
      })}
      <button type="button" className={classes.reaction} aria-label={t("act.react")} onClick={(e) => openOverlay({ kind: "picker", place, id: message.id, x: e.clientX, y: e.clientY })}>
        <Icon name="react" size={15} />
      </button>
    </div>
  );
}

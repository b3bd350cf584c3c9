import { ActionIcon, Group } from "@mantine/core";
import type { MouseEvent } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "@/matrix/message.ts";
import { useOrganisation } from "@/matrix/organisation.ts";
import { actsOn } from "./acts.ts";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Message.module.css";
import { openOverlay, useTimelineHandle } from "./state.ts";

const inBar = new Set(["react", "reply", "thread", "edit", "retry", "drop"]);

/** What one does most with a message, beside it while the pointer or the focus is on it. */
export function ActionBar({ message }: { message: Message }) {
  const { t } = useTranslation("timeline");
  const handle = useTimelineHandle();
  const { forwarding } = useOrganisation().policy;
  const acts = actsOn(message, handle, forwarding, t);
  if (acts.length === 0) return null;
  const at = (e: MouseEvent<HTMLElement>) => {
    const box = e.currentTarget.getBoundingClientRect();
    return { x: box.left, y: box.bottom };
  };
  return (
    <Group className={classes.bar} gap={2} role="toolbar" aria-label={t("actions")}>
      {acts
        .filter((a) => inBar.has(a.name))
        .map((a) => (
          <ActionIcon key={a.name} variant="subtle" color="gray" size="md" aria-label={t(`act.${a.name}`)} title={t(`act.${a.name}`)} onClick={(e) => a.run(at(e))}>
            <Icon name={a.icon} />
          </ActionIcon>
        ))}
      <ActionIcon variant="subtle" color="gray" size="md" aria-label={t("act.more")} title={t("act.more")} aria-haspopup="menu" onClick={(e) => openOverlay({ kind: "menu", place: handle.place, id: message.id, ...at(e) })}>
        <Icon name="more" />
      </ActionIcon>
    </Group>
  );
}

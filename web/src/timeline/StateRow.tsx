import { UnstyledButton } from "@mantine/core";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "@/matrix/message.ts";
import { useTimes } from "./format.ts";
import { Icon } from "@/ui/Icon.tsx";
import { folded } from "./rows.ts";
import classes from "./Timeline.module.css";
import { inBrief } from "./words.ts";

function Line({ message }: { message: Message }) {
  const { t } = useTranslation("timeline");
  const { time, full } = useTimes();
  return (
    <p className={classes.change} data-message={message.key} tabIndex={-1}>
      {inBrief(message.body, t)}{" "}
      <time dateTime={new Date(message.at).toISOString()} title={full(message.at)}>
        {time(message.at)}
      </time>
    </p>
  );
}

/** What changed in the room, in words; many changes in a row are one line that opens. */
export const StateRow = memo(function StateRow({ messages }: { messages: Message[] }) {
  const { t } = useTranslation("timeline");
  const [opened, setOpened] = useState(false);
  if (!folded(messages)) return messages.map((m) => <Line key={m.key} message={m} />);
  const names = [...new Set(messages.map((m) => m.sender.name))];
  const who = names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} +${names.length - 2}`;
  return (
    <>
      <UnstyledButton className={classes.fold} onClick={() => setOpened((o) => !o)} aria-expanded={opened}>
        <span className={classes.turn} data-opened={opened || undefined}>
          <Icon name="right" size={14} />
        </span>
        {t("changes", { count: messages.length, who })}
      </UnstyledButton>
      {opened && messages.map((m) => <Line key={m.key} message={m} />)}
    </>
  );
});

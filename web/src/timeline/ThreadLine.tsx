import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import type { ThreadSummary } from "@/matrix/message.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Parts.module.css";
import { useTimelineHandle } from "./state.ts";

/** The thread under a message: how many answers, and the last of them. */
export function ThreadLine({ id, thread }: { id: string; thread: ThreadSummary }) {
  const { t } = useTranslation("timeline");
  const { openThread } = useTimelineHandle();
  return (
    <button type="button" className={classes.thread} onClick={() => openThread(id)} title={t("openThread")}>
      <Icon name="thread" size={16} />
      <b>{t("replies", { count: thread.count })}</b>
      {thread.lastSender !== null && <Avatar id={thread.lastSender.id} name={thread.lastSender.name} mxc={thread.lastSender.avatar} size={18} />}
      {thread.lastSender !== null && <ExternalMark userId={thread.lastSender.id} />}
      <span>{thread.lastText}</span>
      {thread.unread > 0 && (
        <Badge size="sm" circle={thread.unread < 10} color={thread.mentions > 0 ? "red" : undefined}>
          {thread.unread}
        </Badge>
      )}
    </button>
  );
}

import { Button, Text } from "@mantine/core";
import { useRouter } from "@tanstack/react-router";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "@/matrix/message.ts";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Timeline.module.css";

/** Messages that cannot be read: the real cause, once for those that follow each other, and the way to mend it where there is one. */
export const UnreadableRow = memo(function UnreadableRow({ messages }: { messages: Message[] }) {
  const { t } = useTranslation("timeline");
  const router = useRouter();
  const first = messages[0];
  if (first?.body.kind !== "unreadable") return null;
  const causes = [...new Set(messages.map((m) => (m.body.kind === "unreadable" ? m.body.why.cause : "key")))];
  const names = [...new Set(messages.map((m) => m.sender.name))].slice(0, 3).join(", ");
  const repair = messages.some((m) => m.body.kind === "unreadable" && m.body.why.repair);
  const { kind } = first.body.why;
  return (
    <div className={classes.unreadable} data-kind={kind} data-message={first.key} tabIndex={-1}>
      <span className={classes.lock}>
        <Icon name={kind === "waiting" ? "clock" : "lock"} />
      </span>
      <div>
        <Text size="sm" fw={600}>
          {t(`unreadable.${kind}`, { count: messages.length, names })}
        </Text>
        {causes.map((c) => (
          <Text key={c} size="sm" c="var(--quiet)">
            {t(`cause.${c}`)}
          </Text>
        ))}
      </div>
      {repair && (
        <Button variant="light" size="compact-sm" onClick={() => router.history.push("/settings/encryption")}>
          {t("repair")}
        </Button>
      )}
    </div>
  );
});

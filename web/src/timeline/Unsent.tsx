import { Button, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Message } from "@/matrix/message.ts";
import { dropUnsent, retrySending } from "@/matrix/timeline.ts";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Parts.module.css";
import { useTimelineHandle } from "./state.ts";

/** A message that could not be sent: why, and what can be done about it. */
export function Unsent({ message }: { message: Message }) {
  const { t } = useTranslation("timeline");
  const { place } = useTimelineHandle();
  return (
    <Group gap="xs" className={classes.unsent} role="alert">
      <Icon name="warning" size={16} />
      <Text span size="sm">
        {message.error === "" ? t("notSent") : t("notSentBecause", { reason: message.error })}
      </Text>
      <Button size="compact-xs" variant="light" color="red" onClick={() => void retrySending(place.roomId, message.id)}>
        {t("act.retry")}
      </Button>
      <Button size="compact-xs" variant="subtle" color="red" onClick={() => void dropUnsent(place.roomId, message.id)}>
        {t("act.drop")}
      </Button>
    </Group>
  );
}

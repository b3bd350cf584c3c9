import { Button, Group, Paper, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { remindLater } from "@/matrix/recovery-reminder.ts";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./verify.module.css";

/** A quiet word above the chats to who has not kept the recovery key. */
export function KeepKeyReminder() {
  const { t } = useTranslation("verify");
  const { act, busy } = useAct();
  return (
    <Paper component="section" aria-label={t("remind.title")} withBorder radius="md" className={classes.reminder}>
      <Icon name="key" />
      <div>
        <Text size="sm" fw={600}>
          {t("remind.title")}
        </Text>
        <Text size="sm" c="var(--quiet)">
          {t("remind.text")}
        </Text>
        <Group gap="xs" mt={6}>
          <Button size="compact-sm" variant="light" renderRoot={(props) => <Link to="/settings/$page" params={{ page: "encryption" }} {...props} />}>
            {t("remind.open")}
          </Button>
          <Button size="compact-sm" variant="subtle" color="gray" c="var(--text)" disabled={busy} onClick={() => void act(remindLater)}>
            {t("remind.later")}
          </Button>
        </Group>
      </div>
    </Paper>
  );
}

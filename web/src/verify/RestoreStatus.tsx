import { Button, CloseButton, Group, Paper, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { restoreSeen, retryRestore, useEncryption } from "@/matrix/encryption.ts";
import classes from "./verify.module.css";

/** How far the history is back, at the bottom of whatever page is open. */
export function RestoreStatus() {
  const { t } = useTranslation("verify");
  const r = useEncryption((s) => s.restore);
  if (r === null || (!r.running && !r.failed && r.done === 0)) return null;
  const text = r.failed
    ? t("restore.failed")
    : !r.running
      ? t("restore.done", { count: r.done })
      : r.total === null
        ? t("restore.finding")
        : t("restore.running", { done: r.done, total: r.total });
  return (
    <div className={classes.restore}>
      <Paper shadow="md" withBorder p="sm" radius="md">
        <Group justify="space-between" wrap="nowrap">
          <Text size="sm" role="status">
            {text}
          </Text>
          {r.failed && (
            <Button size="compact-sm" variant="light" onClick={retryRestore}>
              {t("restore.again")}
            </Button>
          )}
          {!r.running && <CloseButton aria-label={t("restore.close")} onClick={restoreSeen} />}
        </Group>
        {r.running && <Progress mt="xs" size="sm" value={r.total ? (100 * r.done) / r.total : 0} aria-label={text} />}
      </Paper>
    </div>
  );
}

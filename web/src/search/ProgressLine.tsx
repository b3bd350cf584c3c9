import { Button, Group, Progress } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { setPaused, useSearch } from "./service.ts";
import classes from "./Search.module.css";

/** How far the index is, and the button that stops it or lets it go on. */
export function ProgressLine() {
  const { t } = useTranslation("search");
  const progress = useSearch((s) => s.progress);
  const paused = useSearch((s) => s.wishes.paused);
  const words = useProgressWords();
  if (progress === null) return null;
  return (
    <div className={classes.foot}>
      {progress.about !== null && <Progress size="xs" value={(100 * progress.messages) / Math.max(1, progress.about)} aria-label={t("progress.label")} />}
      <Group justify="space-between" wrap="nowrap" gap="xs">
        <span>{words}</span>
        {progress.about !== null && (
          <Button size="compact-xs" variant="subtle" onClick={() => setPaused(!paused)}>
            {paused ? t("progress.resume") : t("progress.pause")}
          </Button>
        )}
      </Group>
    </div>
  );
}

/** How far the index is, in words. */
export function useProgressWords(): string {
  const { t, i18n } = useTranslation("search");
  const progress = useSearch((s) => s.progress);
  const halt = useSearch((s) => s.halt);
  if (progress === null) return "";
  const number = (n: number) => new Intl.NumberFormat(i18n.language).format(n);
  const messages = t("progress.messages", { count: progress.messages, messages: number(progress.messages) });
  if (progress.about === null) return t("progress.all", { messages });
  const far = t("progress.some", { messages, about: number(progress.about), done: number(progress.done), rooms: number(progress.rooms) });
  return halt === null ? far : `${far} ${t(`progress.halt.${halt}`)}`;
}

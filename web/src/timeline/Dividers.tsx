import { Button, Group, Popover, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useTimes } from "./format.ts";
import { useTimelineHandle } from "./state.ts";
import classes from "./Timeline.module.css";

const pad = (n: number): string => String(n).padStart(2, "0");

/** The line at which a day begins. It opens the way to any other day. */
export const DayRow = memo(function DayRow({ at }: { at: number }) {
  const { t } = useTranslation("timeline");
  const { day } = useTimes();
  const { jumpToDate, place } = useTimelineHandle();
  const [opened, setOpened] = useState(false);
  const [error, setError] = useState("");
  const date = new Date(at);
  const [value, setValue] = useState(`${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`);
  if (place.threadId !== undefined) {
    return (
      <div className={classes.divider} role="separator" aria-label={day(at)}>
        <Text span size="xs" fw={600}>
          {day(at)}
        </Text>
      </div>
    );
  }
  const jump = async (time: number) => {
    setError("");
    if (await jumpToDate(time)) setOpened(false);
    else setError(t("date.nothing"));
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const [y, m, d] = value.split("-").map(Number);
    if (y && m && d) void jump(new Date(y, m - 1, d).getTime());
  };
  const ago = (days: number) => {
    const d = new Date();
    return new Date(d.getFullYear(), d.getMonth(), d.getDate() - days).getTime();
  };
  return (
    <div className={classes.divider}>
      <Popover opened={opened} onChange={setOpened} trapFocus returnFocus shadow="md" withArrow>
        <Popover.Target>
          <Button variant="default" size="compact-xs" radius="xl" onClick={() => setOpened((o) => !o)} aria-label={`${day(at)}. ${t("date.open")}`}>
            {day(at)}
          </Button>
        </Popover.Target>
        <Popover.Dropdown>
          <Stack gap="xs">
            <Group component="form" onSubmit={submit} align="flex-end" gap="xs">
              <TextInput type="date" label={t("date.label")} value={value} max={`${new Date().getFullYear()}-12-31`} onChange={(e) => setValue(e.currentTarget.value)} error={error || undefined} />
              <Button type="submit">{t("date.go")}</Button>
            </Group>
            <Group gap="xs">
              <Button variant="subtle" size="compact-sm" onClick={() => void jump(ago(7))}>
                {t("date.week")}
              </Button>
              <Button variant="subtle" size="compact-sm" onClick={() => void jump(ago(30))}>
                {t("date.month")}
              </Button>
              <Button variant="subtle" size="compact-sm" onClick={() => void jump(0)}>
                {t("date.start")}
              </Button>
            </Group>
          </Stack>
        </Popover.Dropdown>
      </Popover>
    </div>
  );
});

export const UnreadRow = memo(function UnreadRow() {
  const { t } = useTranslation("timeline");
  return (
    <div className={classes.unread} role="separator" aria-label={t("unread")}>
      <span>{t("unread")}</span>
    </div>
  );
});

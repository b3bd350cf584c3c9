import { Alert, List, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { moment } from "@/ui/when.ts";
import type { RecordingStatus } from "./api.ts";

/** Whether the archive was verified today, what that found, and what became of what was due. */
export function ArchiveCheck({ status }: { status: Pick<RecordingStatus, "alarm" | "alarms" | "archive"> }) {
  const { t, i18n } = useTranslation("admin");
  const { now, copy, stopped, forked, witnesses = [], check, expiry } = status.archive ?? {};
  const day = (time: string) => moment(Date.parse(time), i18n.language);
  const number = (n: number) => n.toLocaleString(i18n.language);
  return (
    <>
      {stopped && (
        <Alert color="red" role="alert" m="md" title={t("archive.stopped")}>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {stopped}
          </Text>
          <Text size="sm" mt="xs">
            {t("archive.goesOn")}
          </Text>
        </Alert>
      )}
      {status.alarms?.includes("witness") && (
        <Alert color="red" role="alert" m="md" title={t(forked || witnesses.some((w) => w.refused) ? "archive.refused" : "archive.unwitnessed")}>
          {forked && <Text size="sm">{forked}</Text>}
          <List size="sm" mt="xs">
            {witnesses.map((w) => (
              <List.Item key={w.name} style={{ overflowWrap: "anywhere" }}>
                {w.name}: {w.error ? `${w.error} ` : ""}
                {w.time ? t("archive.signed", { time: day(w.time) }) : t("archive.unsigned")}
              </List.Item>
            ))}
          </List>
          <Text size="sm" mt="xs">
            {t("archive.compare")}
          </Text>
        </Alert>
      )}
      {check && check.problems > 0 && (
        <Alert color="red" role="alert" m="md" title={t("archive.problems", { count: check.problems })}>
          <Text size="sm">{t("archive.checked", { time: day(check.time) })}</Text>
          <List size="sm" mt="xs">
            {check.first?.map((line) => (
              <List.Item key={line} style={{ overflowWrap: "anywhere" }}>
                {line}
              </List.Item>
            ))}
          </List>
          <Text size="sm" mt="xs">
            {t("archive.do")}
          </Text>
        </Alert>
      )}
      {check && check.error && (
        <Alert color="red" role="alert" m="md" title={t("archive.failed")}>
          {t("archive.checked", { time: day(check.time) })} {check.error}
        </Alert>
      )}
      {now && status.alarms?.includes("clock") && (
        <Alert color="red" role="alert" m="md" title={t("archive.clock")}>
          {t("archive.time", { time: day(now) })}
        </Alert>
      )}
      {copy && (copy.error || status.alarms?.includes("bucket")) && (
        <Alert color={status.alarms?.includes("bucket") ? "red" : "orange"} role="alert" m="md" title={t("archive.uncopied")}>
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {copy.error}
          </Text>
          {copy.time && <Text size="sm">{t("archive.copied", { time: day(copy.time) })}</Text>}
        </Alert>
      )}
      {status.alarm === "overdue" && (
        <Alert color="red" role="alert" m="md" title={t("archive.overdue")}>
          {check ? t("archive.checked", { time: day(check.time) }) : t("archive.never")}
        </Alert>
      )}
      {check && check.problems === 0 && !check.error && status.alarm !== "overdue" && (
        <Text size="sm" px="md" py="sm" role="status">
          {t("archive.right", { time: day(check.time), records: number(check.records + check.newer), events: number(check.stated) })}
        </Text>
      )}
      {expiry?.error && (
        <Alert color="orange" role="alert" m="md" title={t("archive.stuck")}>
          {expiry.error}
        </Alert>
      )}
      {expiry && !expiry.error && expiry.held > 0 && (
        <Text size="sm" px="md" pb="sm">
          {t("archive.held", { count: expiry.held })}
        </Text>
      )}
    </>
  );
}

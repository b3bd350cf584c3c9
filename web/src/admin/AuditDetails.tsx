import { Code, DataList, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { moment } from "@/ui/when.ts";
import classes from "./Admin.module.css";
import type { AuditEntry } from "./api.ts";

const isObject = (v: unknown): v is Record<string, unknown> => typeof v === "object" && v !== null && !Array.isArray(v);

/** The members of an object that another one has not, or has otherwise. */
export function changedMembers(a: unknown, b: unknown): Set<string> {
  if (!isObject(a)) return new Set();
  return new Set(Object.keys(a).filter((k) => !isObject(b) || JSON.stringify(a[k]) !== JSON.stringify(b[k])));
}

/** One entry of the audit log, with what was before beside what was after. */
export function AuditDetails({ e }: { e: AuditEntry }) {
  const { t, i18n } = useTranslation("admin");
  const facts: [string, string][] = [
    [t("audit.time"), moment(e.time, i18n.language)],
    [t("audit.actor"), e.actor],
    [t("audit.device"), e.device],
    [t("audit.address"), e.address],
    [t("audit.target"), e.target],
    [t("audit.name"), e.action],
  ];
  return (
    <>
      <DataList size="sm">
        {facts
          .filter(([, value]) => value !== "")
          .map(([label, value]) => (
            <DataList.Item key={label}>
              <DataList.ItemLabel>{label}</DataList.ItemLabel>
              <DataList.ItemValue style={{ overflowWrap: "anywhere" }}>{value}</DataList.ItemValue>
            </DataList.Item>
          ))}
      </DataList>
      <div className={classes.compare}>
        <Side title={t("audit.before")} value={e.before} other={e.after} />
        <Side title={t("audit.after")} value={e.after} other={e.before} />
      </div>
      <Text size="xs" mt="md" style={{ overflowWrap: "anywhere" }}>
        {t("audit.hash")} <Code>{e.hash}</Code>
      </Text>
    </>
  );
}

function Side({ title, value, other }: { title: string; value: unknown; other: unknown }) {
  const { t } = useTranslation("admin");
  const changed = changedMembers(value, other);
  return (
    <section>
      <Title order={3} size="h5" my="xs">
        {title}
      </Title>
      {value === null ? (
        <Text c="var(--quiet)">{t("audit.nothing")}</Text>
      ) : isObject(value) ? (
        <pre className={classes.json}>
          {Object.entries(value).map(([k, v]) => (
            <div key={k} className={changed.has(k) ? classes.changed : undefined}>
              {k}: {JSON.stringify(v)}
            </div>
          ))}
        </pre>
      ) : (
        <pre className={classes.json}>{JSON.stringify(value, null, 2)}</pre>
      )}
    </section>
  );
}

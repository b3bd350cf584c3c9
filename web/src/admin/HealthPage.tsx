import { Alert, Badge, Button, DataList, Group, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Row, Section } from "@/settings/Section.tsx";
import { errorText } from "@/ui/act.ts";
import { ago } from "@/ui/when.ts";
import { getDashboard, getHealth, type NodeStatus } from "./api-node.ts";

const colors = { ok: "teal", warning: "orange", problem: "red" } as const;

/** What the server finds out about itself, and what to do about it. */
export function HealthPage() {
  const { t } = useTranslation("admin");
  const health = useQuery({ queryKey: ["admin", "health"], queryFn: getHealth, staleTime: 0 });
  const node = useQuery({ queryKey: ["admin", "dashboard"], queryFn: getDashboard, staleTime: 0 });
  const error = health.error ?? node.error;
  if (error) {
    return (
      <Alert color="red" role="alert" title={t("list.failed")}>
        {errorText(error)}
      </Alert>
    );
  }
  if (!health.data || !node.data) return <Skeleton height={320} role="status" aria-label={t("loading")} />;
  return (
    <>
      <Group justify="space-between" mb="lg">
        <Badge size="lg" variant="light" color={health.data.ok ? "teal" : "red"} role="status">
          {health.data.ok ? t("health.ok") : t("health.notOk")}
        </Badge>
        <Button
          variant="default"
          loading={health.isFetching}
          onClick={() => {
            void health.refetch();
            void node.refetch();
          }}
        >
          {t("health.again")}
        </Button>
      </Group>
      <Section title={t("health.checks")}>
        {health.data.checks.map((c) => (
          <Row key={c.check} label={c.check} text={[c.found, c.do].filter(Boolean).join(" ")}>
            <Badge variant="light" color={colors[c.level]}>
              {t(`health.level.${c.level}`)}
            </Badge>
          </Row>
        ))}
      </Section>
      <Section title={t("health.node")} text={t("health.nodeText")}>
        <Status s={node.data.node} />
      </Section>
    </>
  );
}

function Status({ s }: { s: NodeStatus }) {
  const { t, i18n } = useTranslation("admin");
  const n = (x: number) => new Intl.NumberFormat(i18n.language).format(x);
  const facts: [string, string][] = [
    [t("health.server"), s.server_name],
    [t("health.version"), s.version],
    [t("health.database"), s.database === "sqlite" ? "SQLite" : "PostgreSQL"],
    [t("health.started"), ago(s.started, i18n.language)],
    [t("health.commits"), n(s.commit_queue)],
    [t("health.parked"), n(s.parked_requests)],
    [t("health.syncs"), n(s.waiting_syncs)],
    [t("health.mail"), s.mail_queue === null ? t("health.noMail") : n(s.mail_queue)],
    [t("health.pushed"), n(s.push_delivered)],
    [t("health.pushFailed"), n(s.push_failed)],
  ];
  return (
    <DataList p="md">
      {facts.map(([label, value]) => (
        <DataList.Item key={label}>
          <DataList.ItemLabel>{label}</DataList.ItemLabel>
          <DataList.ItemValue>{value}</DataList.ItemValue>
        </DataList.Item>
      ))}
    </DataList>
  );
}

import { Alert, Paper, Skeleton, Table, Text, VisuallyHidden } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Section } from "@/settings/Section.tsx";
import { errorText } from "@/ui/act.ts";
import classes from "./Admin.module.css";
import { type Dashboard, getDashboard } from "./api-node.ts";
import { bytes } from "./bytes.ts";

const Chart = lazy(async () => ({ default: (await import("./Chart.tsx")).Chart }));

/** Numbers about the whole: never what anybody wrote. */
export function DashboardPage() {
  const { t } = useTranslation("admin");
  const q = useQuery({ queryKey: ["admin", "dashboard"], queryFn: getDashboard, staleTime: 0, refetchInterval: 60_000 });
  if (q.isError) {
    return (
      <Alert color="red" role="alert" title={t("list.failed")}>
        {errorText(q.error)}
      </Alert>
    );
  }
  if (!q.data) return <Skeleton height={320} role="status" aria-label={t("loading")} />;
  return <Numbers d={q.data} />;
}

function Numbers({ d }: { d: Dashboard }) {
  const { t, i18n } = useTranslation("admin");
  const days = useMemo(() => d.messages.map((m) => m.date), [d]);
  const counts = useMemo(() => d.messages.map((m) => m.messages), [d]);
  const n = (x: number) => new Intl.NumberFormat(i18n.language).format(x);
  const size = (x: number) => bytes(x, i18n.language);
  const push = d.node.push_delivered + d.node.push_failed;
  return (
    <>
      <div className={classes.cards}>
        <Tile label={t("tile.people")} value={n(d.people.total)} more={t("tile.peopleMore", { active: n(d.people.active_7d) })} page="people" />
        <Tile label={t("tile.devices")} value={n(d.devices)} more={t("tile.devicesMore", { pushers: n(d.pushers) })} />
        <Tile label={t("tile.invitations")} value={n(d.people.open_invitations)} more={t("tile.invitationsMore")} page="invitations" />
        <Tile label={t("tile.rooms")} value={n(d.rooms.total)} more={t("tile.roomsMore", { encrypted: n(d.rooms.encrypted), orphaned: n(d.rooms.orphaned) })} page="rooms" />
        <Tile label={t("tile.storage")} value={size(d.storage.database_bytes + d.storage.media_bytes)} more={t("tile.storageMore", { files: n(d.storage.media_files), media: size(d.storage.media_bytes) })} />
        <Tile
          label={t("tile.delivery")}
          value={push === 0 ? "–" : new Intl.NumberFormat(i18n.language, { style: "percent", maximumFractionDigits: 1 }).format(d.node.push_delivered / push)}
          more={d.node.mail_queue === null ? t("tile.deliveryMore", { failed: n(d.node.push_failed) }) : t("tile.deliveryMail", { failed: n(d.node.push_failed), queue: n(d.node.mail_queue) })}
          page="health"
        />
      </div>
      <Section title={t("dashboard.messages")} text={t("dashboard.messagesText")}>
        <div style={{ padding: "1rem" }}>
          <Suspense fallback={<Skeleton height={240} />}>
            <Chart label={t("dashboard.messages")} days={days} values={counts} language={i18n.language} />
          </Suspense>
          <VisuallyHidden>
            <Table>
              <Table.Tbody>
                {d.messages.map((m) => (
                  <Table.Tr key={m.date}>
                    <Table.Th>{m.date}</Table.Th>
                    <Table.Td>{m.messages}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </VisuallyHidden>
        </div>
      </Section>
    </>
  );
}

function Tile({ label, value, more, page }: { label: string; value: string; more: string; page?: string }) {
  const inside = (
    <>
      <Text size="sm" c="var(--quiet)">
        {label}
      </Text>
      <Text size="1.75rem" fw={650} lh={1.3}>
        {value}
      </Text>
      <Text size="sm" c="var(--quiet)">
        {more}
      </Text>
    </>
  );
  return page === undefined ? (
    <Paper withBorder radius="lg" p="md" className={classes.tile}>
      {inside}
    </Paper>
  ) : (
    <Paper withBorder radius="lg" p="md" className={classes.tile} renderRoot={(props) => <Link to="/admin/$page" params={{ page }} {...props} />}>
      {inside}
    </Paper>
  );
}

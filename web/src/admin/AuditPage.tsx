import { Alert, Button, Code, Group, Modal, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import { moment } from "@/ui/when.ts";
import classes from "./Admin.module.css";
import { type AuditEntry, type AuditVerdict, verifyAudit } from "./api.ts";
import { AuditDetails } from "./AuditDetails.tsx";
import { CsvButton } from "./CsvButton.tsx";
import { day } from "./day.ts";
import { type Column, ListView } from "./ListView.tsx";
import { useList } from "./useList.ts";

export function AuditPage() {
  const { t, i18n } = useTranslation("admin");
  const { busy, act } = useAct();
  const [filter, setFilter] = useState({ actor: "", action: "", target: "", since: "", until: "" });
  const [asked] = useDebouncedValue(filter, 300);
  const [order, setOrder] = useState("-seq");
  const [open, setOpen] = useState<AuditEntry | null>(null);
  const [verdict, setVerdict] = useState<AuditVerdict | null>(null);
  const query = { actor: asked.actor.trim(), action: asked.action.trim(), target: asked.target.trim(), since: day(asked.since), until: day(asked.until, true), order };
  const list = useList<AuditEntry>("audit", query);
  const field = (name: keyof typeof filter, type = "text") => (
    <TextInput type={type} label={t(`audit.${name}`)} value={filter[name]} autoComplete="off" onChange={(e) => setFilter({ ...filter, [name]: e.currentTarget.value })} />
  );
  const columns: Column<AuditEntry>[] = [
    { key: "time", title: t("audit.time"), order: "seq", cell: (e) => moment(e.time, i18n.language) },
    { key: "action", title: t("audit.action"), cell: (e) => t(`action.${e.action}`, { defaultValue: e.action }) },
    { key: "target", title: t("audit.target"), cell: (e) => e.target },
    { key: "actor", title: t("audit.actor"), cell: (e) => e.actor },
    { key: "address", title: t("audit.address"), cell: (e) => e.address },
    {
      key: "details",
      title: t("audit.details"),
      cell: (e) => (
        <Button size="compact-sm" variant="default" aria-label={t("audit.detailsOf", { seq: e.seq })} onClick={() => setOpen(e)}>
          {t("audit.show")}
        </Button>
      ),
    },
  ];
  return (
    <>
      <div className={classes.tools}>
        {field("actor")}
        {field("action")}
        {field("target")}
        {field("since", "date")}
        {field("until", "date")}
      </div>
      <Group mb="md">
        <CsvButton path="audit" query={query} />
        <Button variant="default" loading={busy} leftSection={<Icon name="shield" size={18} />} onClick={() => void act(async () => setVerdict(await verifyAudit()))}>
          {t("audit.verify")}
        </Button>
      </Group>
      {verdict && (
        <Alert mb="md" role="status" color={verdict.ok ? "teal" : "red"} title={verdict.ok ? t("audit.good") : t("audit.bad", { seq: verdict.bad_seq ?? 0 })} withCloseButton closeButtonLabel={t("close")} onClose={() => setVerdict(null)}>
          {verdict.ok ? t("audit.goodText", { count: verdict.entries }) : <Text>{verdict.reason}</Text>}
          {verdict.ok && verdict.seq > 0 && (
            <Text size="sm" mt="xs" style={{ overflowWrap: "anywhere" }}>
              {t("audit.note", { seq: verdict.seq })} <Code>{verdict.hash}</Code>
            </Text>
          )}
        </Alert>
      )}
      <ListView label={t("page.audit")} list={list} columns={columns} id={(e) => String(e.seq)} order={order} onOrder={setOrder} empty={{ icon: "log", title: t("audit.none"), text: t("audit.noneText") }} />
      {open && (
        <Modal opened size="xl" title={`${t("audit.entry", { seq: open.seq })}: ${t(`action.${open.action}`, { defaultValue: open.action })}`} onClose={() => setOpen(null)} closeButtonProps={{ "aria-label": t("close") }}>
          <AuditDetails e={open} />
        </Modal>
      )}
    </>
  );
}

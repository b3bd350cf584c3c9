import { Alert, Badge, Button, List, Select, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import { formatter, moment } from "@/ui/when.ts";
import classes from "./Admin.module.css";
import { type Due, type Hold, releaseHold } from "./api-holds.ts";
import { CsvButton } from "./CsvButton.tsx";
import { type Column, ListView } from "./ListView.tsx";
import { PlaceHold } from "./PlaceHold.tsx";
import { TypeName } from "./TypeName.tsx";
import { useCompliance } from "./useCompliance.ts";
import { useList } from "./useList.ts";

const states = ["in_force", "released", ""] as const;
const counts = ["messages", "redacted", "files", "room_deletions", "accounts", "keys"] as const;

/** Legal holds: what may not be destroyed, whatever else is due. */
export function HoldsPage() {
  const { t } = useTranslation("admin");
  const may = useCompliance();
  if (may === false) {
    return (
      <Alert title={t("holds.refused")} role="alert">
        {t("holds.refusedText")}
      </Alert>
    );
  }
  return may ? <Holds /> : null;
}

function Holds() {
  const { t, i18n } = useTranslation("admin");
  const queries = useQueryClient();
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 250);
  const [state, setState] = useState("in_force");
  const [order, setOrder] = useState("-created");
  const [placing, setPlacing] = useState(false);
  const [releasing, setReleasing] = useState<Hold | null>(null);
  const [gone, setGone] = useState<{ hold: Hold; due: Due } | null>(null);
  const query = { search, state, order };
  const list = useList<Hold>("holds", query);
  const day = (time: number) => formatter(i18n.language, { dateStyle: "medium" }).format(time);
  const period = (h: Hold) => {
    if (h.since === 0 && h.until === 0) return t("holds.always");
    if (h.until === 0) return t("holds.from", { day: day(h.since) });
    const last = day(h.until - 1); // the end is the beginning of the day after
    return h.since === 0 ? t("holds.to", { day: last }) : t("holds.fromTo", { from: day(h.since), to: last });
  };
  const columns: Column<Hold>[] = [
    {
      key: "case",
      title: t("holds.case"),
      order: "case",
      cell: (h) => (
        <div>
          <strong>{h.case}</strong>
          <Text size="sm" c="var(--quiet)" style={{ overflowWrap: "anywhere" }}>
            {h.reason}
          </Text>
        </div>
      ),
    },
    { key: "custodian", title: t("holds.custodian"), cell: (h) => h.custodian || t("holds.everybody") },
    { key: "room", title: t("holds.room"), cell: (h) => <span style={{ overflowWrap: "anywhere" }}>{h.room || t("holds.everywhere")}</span> },
    { key: "period", title: t("holds.period"), cell: period },
    {
      key: "created",
      title: t("holds.placed"),
      order: "created",
      cell: (h) => (
        <div>
          {moment(h.created, i18n.language)}
          <Text size="sm" c="var(--quiet)">
            {h.created_by}
          </Text>
        </div>
      ),
    },
    {
      key: "act",
      title: t("holds.state"),
      cell: (h) =>
        h.released > 0 ? (
          <div>
            <Badge variant="default">{t("holds.released")}</Badge>
            <Text size="sm" c="var(--quiet)">
              {moment(h.released, i18n.language)}, {h.released_by}
            </Text>
          </div>
        ) : (
          <Button size="compact-sm" variant="outline" color="red" aria-label={t("holds.releaseOne", { case: h.case })} onClick={() => setReleasing(h)}>
            {t("holds.releaseDots")}
          </Button>
        ),
    },
  ];
  return (
    <>
      <div className={classes.tools}>
        <TextInput
          className={classes.grow ?? ""}
          type="search"
          label={t("people.search")}
          placeholder={t("holds.searchText")}
          leftSection={<Icon name="search" size={18} />}
          value={words}
          onChange={(e) => setWords(e.currentTarget.value)}
        />
        <Select label={t("holds.state")} allowDeselect={false} data={states.map((s) => ({ value: s, label: t(s === "" ? "people.all" : `holds.${s}`) }))} value={state} onChange={(v) => setState(v ?? "")} />
        <CsvButton path="holds" query={query} />
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setPlacing(true)}>
          {t("holds.place")}
        </Button>
      </div>
      {gone && (
        <Alert mb="md" role="status" color="teal" title={t("holds.done", { case: gone.hold.case })} withCloseButton closeButtonLabel={t("close")} onClose={() => setGone(null)}>
          <DueList due={gone.due} />
        </Alert>
      )}
      <ListView label={t("page.holds")} list={list} columns={columns} id={(h) => h.hold_id} order={order} onOrder={setOrder} empty={{ icon: "lock", title: t("holds.none"), text: t("holds.noneText") }} />
      {placing && <PlaceHold onClose={() => setPlacing(false)} />}
      {releasing && (
        <TypeName
          title={t("holds.release")}
          text={t("holds.releaseText")}
          action={t("holds.release")}
          name={releasing.case}
          onClose={() => setReleasing(null)}
          act={async () => {
            setGone(await releaseHold(releasing, releasing.case));
            await queries.invalidateQueries({ queryKey: ["admin", "holds"] });
          }}
        />
      )}
    </>
  );
}

/** What a released hold was the last to keep. */
function DueList({ due }: { due: Due }) {
  const { t } = useTranslation("admin");
  const rows = counts.filter((name) => due[name] > 0);
  if (rows.length === 0) return <Text>{t("holds.nothingDue")}</Text>;
  return (
    <>
      <Text>{t("holds.goes")}</Text>
      <List size="sm">
        {rows.map((name) => (
          <List.Item key={name}>{t(`due.${name}`, { count: due[name] })}</List.Item>
        ))}
      </List>
    </>
  );
}

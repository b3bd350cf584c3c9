import { Badge, Button, Group, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Avatar } from "@/ui/Avatar.tsx";
import { Icon } from "@/ui/Icon.tsx";
import { ago } from "@/ui/when.ts";
import { AddPerson } from "./AddPerson.tsx";
import classes from "./Admin.module.css";
import type { Person } from "./api.ts";
import { bytes } from "./bytes.ts";
import { CsvButton } from "./CsvButton.tsx";
import { InvitePerson } from "./InvitePerson.tsx";
import { type Column, ListView } from "./ListView.tsx";
import { StateBadge } from "./StateBadge.tsx";
import { useList } from "./useList.ts";

const states = ["", "active", "locked", "suspended", "deactivated", "admin"] as const;
export function PeoplePage() {
  const { t, i18n } = useTranslation("admin");
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 250);
  const [state, setState] = useState<string>("");
  const [order, setOrder] = useState("name");
  const [dialog, setDialog] = useState<"add" | "invite" | null>(null);
  const query = { search, state, order };
  const list = useList<Person>("people", query);
  const columns: Column<Person>[] = [
    {
      key: "name",
      title: t("people.name"),
      order: "name",
      cell: (p) => (
        <Link to="/admin/$page/$item" params={{ page: "people", item: p.user_id }} className={classes.person}>
          <Avatar id={p.user_id} name={p.display_name || p.user_id} mxc={null} />
          <span>
            <strong>{p.display_name || p.user_id}</strong>
            <small>{[p.user_id, ...(p.emails ?? [])].join(" · ")}</small>
          </span>
        </Link>
      ),
    },
    {
      key: "state",
      title: t("people.state"),
      cell: (p) => (
        <Group gap={6} component="span">
          <StateBadge state={p.state} />
          {p.admin && <Badge variant="outline">{t("people.admin")}</Badge>}
        </Group>
      ),
    },
    { key: "devices", title: t("people.devices"), order: "devices", number: true, cell: (p) => p.device_count },
    { key: "seen", title: t("people.seen"), order: "last_seen", cell: (p) => (p.last_seen === 0 ? t("never") : ago(p.last_seen, i18n.language)) },
    { key: "bytes", title: t("people.files"), order: "bytes", number: true, cell: (p) => bytes(p.media_bytes, i18n.language) },
  ];
  return (
    <>
      <div className={classes.tools}>
        <TextInput
          className={classes.grow ?? ""}
          type="search"
          label={t("people.search")}
          placeholder={t("people.searchText")}
          leftSection={<Icon name="search" size={18} />}
          value={words}
          onChange={(e) => setWords(e.currentTarget.value)}
        />
        <Select label={t("people.state")} allowDeselect={false} data={states.map((s) => ({ value: s, label: t(s === "" ? "people.all" : `state.${s}`) }))} value={state} onChange={(v) => setState(v ?? "")} />
        <CsvButton path="people" query={query} />
      </div>
      <div className={classes.tools}>
        <Button leftSection={<Icon name="link" size={18} />} onClick={() => setDialog("invite")}>
          {t("invite.button")}
        </Button>
        <Button variant="default" leftSection={<Icon name="plus" size={18} />} onClick={() => setDialog("add")}>
          {t("add.button")}
        </Button>
        <Button variant="default" leftSection={<Icon name="upload" size={18} />} renderRoot={(props) => <Link to="/admin/$page" params={{ page: "import" }} {...props} />}>
          {t("page.import")}
        </Button>
      </div>
      <ListView
        label={t("page.people")}
        list={list}
        columns={columns}
        id={(p) => p.user_id}
        order={order}
        onOrder={setOrder}
        empty={{ icon: "people", title: t("people.none"), text: t("people.noneText") }}
      />
      {dialog === "add" && <AddPerson onClose={() => setDialog(null)} />}
      {dialog === "invite" && <InvitePerson onClose={() => setDialog(null)} />}
    </>
  );
}

import { Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import { ago } from "@/ui/when.ts";
import classes from "./Admin.module.css";
import type { RoomItem } from "./api-rooms.ts";
import { bytes } from "./bytes.ts";
import { CsvButton } from "./CsvButton.tsx";
import { type Column, ListView } from "./ListView.tsx";
import { RoomMarks } from "./RoomMarks.tsx";
import { useList } from "./useList.ts";

const kinds = ["", "orphaned", "encrypted", "unencrypted", "space", "public", "blocked", "empty", "recorded", "unrecorded"] as const;

export function RoomsPage() {
  const { t, i18n } = useTranslation("admin");
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 250);
  const [kind, setKind] = useState("");
  const [order, setOrder] = useState("name");
  const query = { search, kind, order };
  const list = useList<RoomItem>("rooms", query);
  const columns: Column<RoomItem>[] = [
    {
      key: "name",
      title: t("people.name"),
      order: "name",
      cell: (r) => (
        <Link to="/admin/$page/$item" params={{ page: "rooms", item: r.room_id }} className={classes.person}>
          <span>
            <strong>{r.name || t("room.unnamed")}</strong>
            <small>{r.alias || r.room_id}</small>
          </span>
        </Link>
      ),
    },
    { key: "kind", title: t("room.kind"), cell: (r) => <RoomMarks r={r} /> },
    { key: "members", title: t("room.members"), order: "members", number: true, cell: (r) => r.joined_members },
    { key: "events", title: t("room.events"), order: "events", number: true, cell: (r) => r.events },
    { key: "bytes", title: t("room.size"), order: "bytes", number: true, cell: (r) => bytes(r.bytes, i18n.language) },
    { key: "last", title: t("room.last"), order: "last_activity", cell: (r) => (r.last_activity === 0 ? t("never") : ago(r.last_activity, i18n.language)) },
  ];
  return (
    <>
      <div className={classes.tools}>
        <TextInput
          className={classes.grow ?? ""}
          type="search"
          label={t("people.search")}
          placeholder={t("room.searchText")}
          leftSection={<Icon name="search" size={18} />}
          value={words}
          onChange={(e) => setWords(e.currentTarget.value)}
        />
        <Select label={t("room.kind")} allowDeselect={false} data={kinds.map((k) => ({ value: k, label: t(k === "" ? "people.all" : `kind.${k}`) }))} value={kind} onChange={(v) => setKind(v ?? "")} />
        <CsvButton path="rooms" query={query} />
      </div>
      <ListView label={t("page.rooms")} list={list} columns={columns} id={(r) => r.room_id} order={order} onOrder={setOrder} empty={{ icon: "chat", title: t("room.none"), text: t("room.noneText") }} />
    </>
  );
}

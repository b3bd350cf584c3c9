import { Button, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import { moment } from "@/ui/when.ts";
import { AddGroup } from "./AddGroup.tsx";
import classes from "./Admin.module.css";
import type { GroupItem } from "./api-groups.ts";
import { CsvButton } from "./CsvButton.tsx";
import { type Column, ListView } from "./ListView.tsx";
import { useList } from "./useList.ts";

/** Groups of people, such as departments. */
export function GroupsPage() {
  const { t, i18n } = useTranslation("admin");
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 250);
  const [order, setOrder] = useState("name");
  const [adding, setAdding] = useState(false);
  const query = { search, order };
  const list = useList<GroupItem>("groups", query);
  const columns: Column<GroupItem>[] = [
    {
      key: "name",
      title: t("people.name"),
      order: "name",
      cell: (g) => (
        <Link to="/admin/$page/$item" params={{ page: "groups", item: g.group_id }} className={classes.person}>
          <span>
            <strong>{g.name}</strong>
            <small>{g.group_id}</small>
          </span>
        </Link>
      ),
    },
    { key: "members", title: t("room.members"), order: "members", number: true, cell: (g) => g.members },
    { key: "created", title: t("person.created"), order: "created", cell: (g) => moment(g.created, i18n.language) },
  ];
  return (
    <>
      <div className={classes.tools}>
        <TextInput className={classes.grow ?? ""} type="search" label={t("people.search")} placeholder={t("groups.searchText")} leftSection={<Icon name="search" size={18} />} value={words} onChange={(e) => setWords(e.currentTarget.value)} />
        <CsvButton path="groups" query={query} />
        <Button leftSection={<Icon name="plus" size={18} />} onClick={() => setAdding(true)}>
          {t("groups.add")}
        </Button>
      </div>
      <ListView label={t("page.groups")} list={list} columns={columns} id={(g) => g.group_id} order={order} onOrder={setOrder} empty={{ icon: "space", title: t("groups.none"), text: t(search === "" ? "groups.noneYet" : "groups.noneText") }} />
      {adding && <AddGroup onClose={() => setAdding(false)} />}
    </>
  );
}

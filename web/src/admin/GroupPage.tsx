import { Alert, Button, Skeleton, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Row, Section } from "@/settings/Section.tsx";
import { errorText, useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import { moment } from "@/ui/when.ts";
import classes from "./Admin.module.css";
import { changeMembers, deleteGroup, getGroup, type GroupItem, type GroupMember, renameGroup } from "./api-groups.ts";
import { CsvButton } from "./CsvButton.tsx";
import { type Column, ListView } from "./ListView.tsx";
import { PeoplePick } from "./PeoplePick.tsx";
import { TypeName } from "./TypeName.tsx";
import { showUndo } from "./undo.tsx";
import { useList } from "./useList.ts";

/** One group: its name, who is in it, and its end. */
export function GroupPage({ id }: { id: string }) {
  const group = useQuery({ queryKey: ["admin", "group", id], queryFn: () => getGroup(id), staleTime: 0 });
  const { t } = useTranslation("admin");
  if (group.isError) {
    return (
      <Alert color="red" role="alert" title={t("list.failed")}>
        {errorText(group.error)}
      </Alert>
    );
  }
  if (!group.data) return <Skeleton height={240} role="status" aria-label={t("loading")} />;
  return (
    <>
      <Name g={group.data} key={group.data.name} />
      <Members g={group.data} />
      <End g={group.data} />
    </>
  );
}

function Name({ g }: { g: GroupItem }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [name, setName] = useState(g.name);
  return (
    <Section title={g.name}>
      <form
        className={classes.line}
        onSubmit={(e) => {
          e.preventDefault();
          void act(() => renameGroup(g.group_id, name.trim()).then(() => queries.invalidateQueries({ queryKey: ["admin"] })), t("groups.renamed"));
        }}
      >
        <TextInput className={classes.grow ?? ""} label={t("people.name")} value={name} maxLength={100} autoComplete="off" onChange={(e) => setName(e.currentTarget.value)} />
        <Button type="submit" loading={busy} disabled={name.trim() === g.name || name.trim() === ""}>
          {t("save")}
        </Button>
      </form>
    </Section>
  );
}

function Members({ g }: { g: GroupItem }) {
  const { t, i18n } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 250);
  const [order, setOrder] = useState("name");
  const [chosen, setChosen] = useState<string[]>([]);
  const path = `groups/${encodeURIComponent(g.group_id)}/members`;
  const query = { search, order };
  const list = useList<GroupMember>(path, query);
  const change = (what: { add?: string[]; remove?: string[] }) => changeMembers(g.group_id, what).then(() => queries.invalidateQueries({ queryKey: ["admin"] }));
  const remove = async (m: GroupMember) => {
    const ok = await act(() => change({ remove: [m.user_id] }));
    if (ok) showUndo(t("groups.removed", { name: m.display_name || m.user_id }), () => act(() => change({ add: [m.user_id] })));
  };
  const columns: Column<GroupMember>[] = [
    {
      key: "name",
      title: t("people.name"),
      order: "name",
      cell: (m) => (
        <Link to="/admin/$page/$item" params={{ page: "people", item: m.user_id }} className={classes.person}>
          <span>
            <strong>{m.display_name || m.user_id}</strong>
            <small>{m.user_id}</small>
          </span>
        </Link>
      ),
    },
    { key: "added", title: t("groups.since"), order: "added", cell: (m) => moment(m.added, i18n.language) },
    {
      key: "act",
      title: t("invitations.act"),
      cell: (m) => (
        <Button size="xs" variant="outline" color="red" disabled={busy} aria-label={t("groups.removeOne", { name: m.display_name || m.user_id })} onClick={() => void remove(m)}>
          {t("person.remove")}
        </Button>
      ),
    },
  ];
  return (
    <Section title={t("room.members")} text={t("groups.membersText")}>
      <form
        className={classes.line}
        onSubmit={(e) => {
          e.preventDefault();
          void act(() => change({ add: chosen }), t("groups.added", { count: chosen.length })).then((ok) => ok && setChosen([]));
        }}
      >
        <PeoplePick label={t("groups.addPeople")} value={chosen} onChange={setChosen} />
        <Button type="submit" loading={busy} disabled={chosen.length === 0}>
          {t("add.do")}
        </Button>
      </form>
      <div style={{ padding: "1rem" }}>
        <div className={classes.tools}>
          <TextInput className={classes.grow ?? ""} type="search" label={t("people.search")} placeholder={t("people.searchText")} leftSection={<Icon name="search" size={18} />} value={words} onChange={(e) => setWords(e.currentTarget.value)} />
          <CsvButton path={path} query={query} />
        </div>
        <ListView label={t("room.members")} list={list} columns={columns} id={(m) => m.user_id} order={order} onOrder={setOrder} empty={{ icon: "people", title: t("people.none"), text: t(search === "" ? "groups.noMembers" : "people.noneText") }} />
      </div>
    </Section>
  );
}

function End({ g }: { g: GroupItem }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asked, setAsked] = useState(false);
  return (
    <Section title={t("acts.title")}>
      <Row label={t("groups.delete")} text={t("groups.deleteText")}>
        <Button variant="outline" color="red" onClick={() => setAsked(true)}>
          {t("groups.deleteDots")}
        </Button>
      </Row>
      {asked && (
        <TypeName
          title={t("groups.delete")}
          text={t("groups.deleteWarning", { count: g.members })}
          action={t("groups.delete")}
          name={g.group_id}
          onClose={() => setAsked(false)}
          act={async () => {
            await deleteGroup(g.group_id);
            await navigate({ to: "/admin/$page", params: { page: "groups" } });
            queries.removeQueries({ queryKey: ["admin", "group", g.group_id] });
            await queries.invalidateQueries({ queryKey: ["admin"] });
          }}
        />
      )}
    </Section>
  );
}

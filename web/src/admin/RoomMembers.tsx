import { Select } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Section } from "@/settings/Section.tsx";
import classes from "./Admin.module.css";
import type { RoomMember } from "./api-rooms.ts";
import { CsvButton } from "./CsvButton.tsx";
import { type Column, ListView } from "./ListView.tsx";
import { useList } from "./useList.ts";

const memberships = ["join", "invite", "knock", "leave", "ban"] as const;

export function RoomMembers({ id }: { id: string }) {
  const { t } = useTranslation("admin");
  const [membership, setMembership] = useState<string>("join");
  const [order, setOrder] = useState("name");
  const path = `rooms/${encodeURIComponent(id)}/members`;
  const query = { membership, order };
  const list = useList<RoomMember>(path, query);
  const columns: Column<RoomMember>[] = [
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
    { key: "power", title: t("room.power"), number: true, cell: (m) => (m.power_level > 100 ? t("room.creator") : m.power_level) },
  ];
  return (
    <Section title={t("room.members")}>
      <div style={{ padding: "1rem" }}>
        <div className={classes.tools}>
          <Select label={t("people.state")} allowDeselect={false} data={memberships.map((m) => ({ value: m, label: t(`membership.${m}`) }))} value={membership} onChange={(v) => setMembership(v ?? "join")} />
          <CsvButton path={path} query={query} />
        </div>
        <ListView label={t("room.members")} list={list} columns={columns} id={(m) => m.user_id} order={order} onOrder={setOrder} empty={{ icon: "people", title: t("people.none"), text: t("room.noMembers") }} />
      </div>
    </Section>
  );
}

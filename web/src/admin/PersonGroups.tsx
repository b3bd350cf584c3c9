import { Button, Select, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Row, Section } from "@/settings/Section.tsx";
import { useAct } from "@/ui/act.ts";
import classes from "./Admin.module.css";
import type { PersonDetails } from "./api.ts";
import { allGroups, changeMembers } from "./api-groups.ts";

/** The groups that somebody is in. */
export function PersonGroups({ p }: { p: PersonDetails }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [chosen, setChosen] = useState<string | null>(null);
  const groups = useQuery({ queryKey: ["admin", "groups", "all"], queryFn: allGroups, staleTime: 0 });
  const rest = (groups.data ?? []).filter((g) => !p.groups.some((own) => own.group_id === g.group_id));
  const change = (id: string, what: { add?: string[]; remove?: string[] }, done: string) => act(() => changeMembers(id, what).then(() => queries.invalidateQueries({ queryKey: ["admin"] })), done);
  if (p.deactivated || (p.groups.length === 0 && groups.data?.length === 0)) return null;
  return (
    <Section title={t("page.groups")}>
      {p.groups.map((g) => (
        <Row
          key={g.group_id}
          label={
            <Link to="/admin/$page/$item" params={{ page: "groups", item: g.group_id }} className={classes.tile}>
              {g.name}
            </Link>
          }
          text={g.group_id}
        >
          <Button variant="subtle" color="red" disabled={busy} aria-label={t("groups.leave", { name: g.name })} onClick={() => void change(g.group_id, { remove: [p.user_id] }, t("groups.left", { name: g.name }))}>
            {t("person.remove")}
          </Button>
        </Row>
      ))}
      {p.groups.length === 0 && (
        <Text p="md" c="var(--quiet)">
          {t("groups.inNone")}
        </Text>
      )}
      {rest.length > 0 && (
        <form
          className={classes.line}
          onSubmit={(e) => {
            e.preventDefault();
            const name = rest.find((g) => g.group_id === chosen)?.name ?? "";
            if (chosen !== null) void change(chosen, { add: [p.user_id] }, t("groups.joined", { name })).then((ok) => ok && setChosen(null));
          }}
        >
          <Select className={classes.grow ?? ""} label={t("groups.addTo")} searchable clearable data={rest.map((g) => ({ value: g.group_id, label: `${g.name} (${g.group_id})` }))} value={chosen} onChange={setChosen} />
          <Button type="submit" variant="default" loading={busy} disabled={chosen === null}>
            {t("person.add")}
          </Button>
        </form>
      )}
    </Section>
  );
}

import { Badge, Button, Select, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import { moment } from "@/ui/when.ts";
import classes from "./Admin.module.css";
import { type Invitation, revokeInvitation } from "./api.ts";
import { CsvButton } from "./CsvButton.tsx";
import { InvitePerson } from "./InvitePerson.tsx";
import { type Column, ListView } from "./ListView.tsx";
import { useList } from "./useList.ts";

const states = ["", "open", "accepted", "expired"] as const;
const colors = { open: "blue", accepted: "teal", expired: "gray" } as const;

export function InvitationsPage() {
  const { t, i18n } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 250);
  const [state, setState] = useState("");
  const [order, setOrder] = useState("-created");
  const [inviting, setInviting] = useState(false);
  const query = { search, state, order };
  const list = useList<Invitation>("invitations", query);
  const revoke = (i: Invitation) =>
    act(async () => {
      await revokeInvitation(i.invitation_id);
      await queries.invalidateQueries({ queryKey: ["admin", "invitations"] });
    }, t("invitations.revoked"));
  const who = (i: Invitation) => i.display_name || i.user_name || i.email || t("invitations.anybody");
  const columns: Column<Invitation>[] = [
    {
      key: "who",
      title: t("invitations.who"),
      order: "user_name",
      cell: (i) => (
        <span className={classes.person}>
          <span>
            <strong>{who(i)}</strong>
            <small>{[i.user_name, i.email].filter((x) => x !== "" && x !== who(i)).join(" · ")}</small>
          </span>
        </span>
      ),
    },
    {
      key: "state",
      title: t("people.state"),
      cell: (i) => (
        <Badge variant="light" color={colors[i.state]}>
          {t(`state.${i.state}`)}
        </Badge>
      ),
    },
    { key: "created", title: t("invitations.created"), order: "created", cell: (i) => moment(i.created, i18n.language) },
    { key: "by", title: t("invitations.by"), cell: (i) => i.created_by },
    { key: "expires", title: t("invitations.expires"), order: "expires", cell: (i) => (i.state === "accepted" ? i.accepted_by : moment(i.expires, i18n.language)) },
    {
      key: "act",
      title: t("invitations.act"),
      cell: (i) =>
        i.state === "open" && (
          <Button size="compact-sm" variant="outline" color="red" disabled={busy} aria-label={t("invitations.revokeOne", { name: who(i) })} onClick={() => void revoke(i)}>
            {t("invitations.revoke")}
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
          leftSection={<Icon name="search" size={18} />}
          value={words}
          onChange={(e) => setWords(e.currentTarget.value)}
        />
        <Select label={t("people.state")} allowDeselect={false} data={states.map((s) => ({ value: s, label: t(s === "" ? "people.all" : `state.${s}`) }))} value={state} onChange={(v) => setState(v ?? "")} />
        <CsvButton path="invitations" query={query} />
        <Button leftSection={<Icon name="link" size={18} />} onClick={() => setInviting(true)}>
          {t("invite.button")}
        </Button>
      </div>
      <ListView
        label={t("page.invitations")}
        list={list}
        columns={columns}
        id={(i) => i.invitation_id}
        order={order}
        onOrder={setOrder}
        empty={{ icon: "link", title: t("invitations.none"), text: t("invitations.noneText") }}
      />
      {inviting && <InvitePerson onClose={() => setInviting(false)} />}
    </>
  );
}

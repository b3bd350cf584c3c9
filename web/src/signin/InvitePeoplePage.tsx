import { Button, CopyButton, FileButton, Group, Stack, Table, Text, Textarea, TextInput, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { type InvitedRow, invitePeople, invitePerson } from "@/matrix/signin-enrol.ts";
import { Failure } from "./Fields.tsx";
import { reason } from "./reason.ts";
import classes from "./SignInPage.module.css";

/** The organisation's first people: one by a link, or many by a table. */
export function InvitePeoplePage() {
  const { t } = useTranslation("signin");
  return (
    <main className={classes.wide}>
      <Stack gap="xl" maw="48rem" mx="auto">
        <Stack gap="xs">
          <Title order={1} size="h2">
            {t("people.title")}
          </Title>
          <Text>{t("people.text")}</Text>
        </Stack>
        <ByLink />
        <ByTable />
        <Group justify="flex-end">
          <Button renderRoot={(props) => <Link to="/" {...props} />}>{t("people.done")}</Button>
        </Group>
      </Stack>
    </main>
  );
}

function CopyLink({ link }: { link: string }) {
  const { t } = useTranslation("signin");
  return (
    <CopyButton value={link}>
      {({ copied, copy }) => (
        <Button size="compact-sm" variant="light" onClick={copy}>
          {copied ? t("people.copied") : t("people.copy")}
        </Button>
      )}
    </CopyButton>
  );
}

function ByLink() {
  const { t } = useTranslation("signin");
  const [name, setName] = useState("");
  const [made, setMade] = useState<{ name: string; link: string }[]>([]);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      const link = await invitePerson(name.trim());
      setMade([...made, { name: name.trim(), link }]);
      setName("");
    } catch (err) {
      setError(t(reason(err)));
    }
    setBusy(false);
  };
  return (
    <Stack component="section" gap="sm" aria-label={t("people.byLink")}>
      <Title order={2} size="h4">
        {t("people.byLink")}
      </Title>
      <Failure text={error} />
      <form onSubmit={(e) => void submit(e)}>
        <Group align="flex-end">
          <TextInput style={{ flex: 1 }} label={t("people.name")} value={name} onChange={(e) => setName(e.currentTarget.value)} />
          <Button type="submit" variant="light" loading={busy}>
            {t("people.makeLink")}
          </Button>
        </Group>
      </form>
      {made.map((m) => (
        <Group key={m.link} justify="space-between" wrap="nowrap">
          <Text style={{ overflowWrap: "anywhere" }}>
            {m.name && `${m.name}: `}
            {m.link}
          </Text>
          <CopyLink link={m.link} />
        </Group>
      ))}
    </Stack>
  );
}

function ByTable() {
  const { t } = useTranslation("signin");
  const [csv, setCsv] = useState("");
  const [rows, setRows] = useState<InvitedRow[] | null>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const ready = rows?.filter((r) => r.outcome === "ready").length ?? 0;
  const run = async (dryRun: boolean) => {
    setBusy(true);
    setError("");
    try {
      setRows(await invitePeople(csv, dryRun));
    } catch (err) {
      setError(err instanceof Error ? t("people.failed", { detail: err.message }) : t(reason(err)));
    }
    setBusy(false);
  };
  const change = (text: string) => {
    setCsv(text);
    setRows(null);
  };
  return (
    <Stack component="section" gap="sm" aria-label={t("people.byTable")}>
      <Title order={2} size="h4">
        {t("people.byTable")}
      </Title>
      <Text>{t("people.tableText")}</Text>
      <Failure text={error} />
      <Textarea label={t("people.table")} ff="monospace" autosize minRows={3} maxRows={12} value={csv} onChange={(e) => change(e.currentTarget.value)} placeholder={"user_name,display_name,email\nerin,Erin Example,erin@example.org"} />
      <Group>
        <FileButton accept=".csv,text/csv" onChange={(f) => void f?.text().then(change)}>
          {(props) => (
            <Button variant="default" {...props}>
              {t("people.file")}
            </Button>
          )}
        </FileButton>
        <Button variant="light" loading={busy} disabled={csv.trim() === ""} onClick={() => void run(true)}>
          {t("people.check")}
        </Button>
        {ready > 0 && (
          <Button loading={busy} onClick={() => void run(false)}>
            {t("people.invite", { count: ready })}
          </Button>
        )}
      </Group>
      {rows && (
        <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("people.line")}</Table.Th>
                <Table.Th>{t("enrol.user")}</Table.Th>
                <Table.Th>{t("people.outcome")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {rows.map((r) => (
                <Table.Tr key={r.line}>
                  <Table.Td>{r.line}</Table.Td>
                  <Table.Td>{r.displayName ? `${r.displayName} (${r.userName})` : r.userName}</Table.Td>
                  <Table.Td>
                    {r.link ? <CopyLink link={r.link} /> : r.problem || t(`people.outcomes.${r.outcome}`)}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Stack>
  );
}

import { Alert, Badge, Button, Checkbox, FileButton, Group, SegmentedControl, Stack, Table, Text, Textarea } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Section } from "@/settings/Section.tsx";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Admin.module.css";
import { importPeople, type ImportReport, type Outcome, saveFile } from "./api.ts";
import { reportCsv, tableProblem } from "./report.ts";

const colors: Record<Outcome, string> = { ready: "teal", done: "teal", exists: "gray", pending: "gray", error: "red" };
const outcomes: Outcome[] = ["ready", "done", "exists", "pending", "error"];
const example = "user_name,display_name,email,admin,groups\nerin,Erin Evans,erin@example.org,no,\n";

/** Invites many people by a table: first a preview, then the act, then a report for each row. */
export function ImportPage() {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [table, setTable] = useState("");
  const [as, setAs] = useState<"invitations" | "accounts">("invitations");
  const [send, setSend] = useState(false);
  const [report, setReport] = useState<ImportReport | null>(null);
  const problem = table === "" ? null : tableProblem(table);
  const edit = (text: string) => {
    setTable(text);
    setReport(null);
  };
  const ask = (dryRun: boolean) =>
    act(async () => {
      setReport(await importPeople(table, { dry_run: dryRun, as, send: send && as === "invitations" }));
      if (!dryRun) await queries.invalidateQueries({ queryKey: ["admin"] });
    });
  const ready = report?.dry_run ? (report.counts.ready ?? 0) : 0;
  return (
    <>
      <Section title={t("import.table")} text={t("import.tableText")}>
        <Stack p="md">
          <Group>
            <FileButton accept=".csv,text/csv,text/plain" onChange={(f) => void f?.text().then(edit)} inputProps={{ "aria-label": t("import.file") }}>
              {(props) => (
                <Button variant="default" leftSection={<Icon name="upload" size={18} />} {...props}>
                  {t("import.file")}
                </Button>
              )}
            </FileButton>
            <Button variant="subtle" onClick={() => saveFile(new Blob([example], { type: "text/csv" }), "people.csv")}>
              {t("import.example")}
            </Button>
          </Group>
          <Textarea label={t("import.text")} autosize minRows={5} maxRows={14} spellCheck={false} placeholder={example} value={table} error={problem ? t(problem) : null} onChange={(e) => edit(e.currentTarget.value)} styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }} />
          <SegmentedControl
            aria-label={t("import.as")}
            value={as}
            onChange={(v) => {
              setAs(v as typeof as);
              setReport(null);
            }}
            data={[
              { value: "invitations", label: t("import.invitations") },
              { value: "accounts", label: t("import.accounts") },
            ]}
          />
          <Text size="sm" c="var(--quiet)">
            {t(as === "invitations" ? "import.invitationsText" : "import.accountsText")}
          </Text>
          {as === "invitations" && <Checkbox label={t("import.send")} checked={send} onChange={(e) => setSend(e.currentTarget.checked)} />}
          <Group>
            <Button variant="default" loading={busy} disabled={table.trim() === "" || problem !== null} onClick={() => void ask(true)}>
              {t("import.preview")}
            </Button>
            <Button loading={busy} disabled={ready === 0} onClick={() => void ask(false)}>
              {t("import.do", { count: ready })}
            </Button>
          </Group>
        </Stack>
      </Section>
      {report && <Report report={report} />}
    </>
  );
}

function Report({ report }: { report: ImportReport }) {
  const { t } = useTranslation("admin");
  const grouped = report.rows.some((r) => (r.groups ?? []).length > 0);
  return (
    <Section title={report.dry_run ? t("import.willBe") : t("import.was")}>
      <Stack p="md">
        <Group justify="space-between">
          <Group gap="xs" role="status">
            {outcomes
              .filter((o) => report.counts[o])
              .map((o) => (
                <Badge key={o} variant="light" color={colors[o]}>
                  {t(`outcome.${o}`)}: {report.counts[o]}
                </Badge>
              ))}
          </Group>
          {!report.dry_run && (
            <Button variant="default" leftSection={<Icon name="download" size={18} />} onClick={() => saveFile(new Blob([reportCsv(report.rows)], { type: "text/csv" }), "import-report.csv")}>
              {t("import.saveReport")}
            </Button>
          )}
        </Group>
        {!report.dry_run && <Alert color="orange">{t("import.once")}</Alert>}
        <div className={classes.scroll} tabIndex={0} role="region" aria-label={t("import.rows")}>
          <Table className={classes.table} aria-label={t("import.rows")}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t("import.line")}</Table.Th>
                <Table.Th>{t("add.user")}</Table.Th>
                <Table.Th>{t("add.name")}</Table.Th>
                <Table.Th>{t("add.email")}</Table.Th>
                {grouped && <Table.Th>{t("page.groups")}</Table.Th>}
                <Table.Th>{t("import.outcome")}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {report.rows.map((r) => (
                <Table.Tr key={r.line}>
                  <Table.Td data-title={t("import.line")}>{r.line}</Table.Td>
                  <Table.Td data-title={t("add.user")}>
                    {r.user_name} {r.admin && <Badge variant="outline">{t("people.admin")}</Badge>}
                  </Table.Td>
                  <Table.Td data-title={t("add.name")}>{r.display_name}</Table.Td>
                  <Table.Td data-title={t("add.email")}>{r.email}</Table.Td>
                  {grouped && <Table.Td data-title={t("page.groups")}>{r.groups?.join(", ")}</Table.Td>}
                  <Table.Td data-title={t("import.outcome")}>
                    <Badge variant="light" color={colors[r.outcome]}>
                      {t(`outcome.${r.outcome}`)}
                    </Badge>{" "}
                    <Text span size="sm" style={{ overflowWrap: "anywhere" }}>
                      {r.problem ?? r.link ?? r.password ?? ""}
                    </Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </div>
      </Stack>
    </Section>
  );
}

import { Alert, Button, List, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useClientState } from "@/matrix/client.ts";
import { Row, Section } from "@/settings/Section.tsx";
import { useAct } from "@/ui/act.ts";
import type { PersonDetails } from "./api.ts";
import { type Erased, erasePerson, exportPerson } from "./api-holds.ts";
import { TypeName } from "./TypeName.tsx";
import { useCompliance } from "./useCompliance.ts";

/** What the law lets a person ask for: a copy of their data, and its erasure. Only for those with the compliance role, as a copy says what the person wrote. */
export function PersonData({ p }: { p: PersonDetails }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const may = useCompliance();
  const me = useClientState((s) => s.userId);
  const [asked, setAsked] = useState(false);
  const [erased, setErased] = useState<Erased | null>(null);
  if (!may) return null;
  return (
    <Section title={t("data.title")} text={t("data.text")}>
      <Row label={t("data.export")} text={t("data.exportText")}>
        <Button variant="default" loading={busy} onClick={() => void act(() => exportPerson(p.user_id))}>
          {t("data.doExport")}
        </Button>
      </Row>
      {p.user_id !== me && (
        <Row label={t("data.erase")} text={t("data.eraseText")}>
          <Button variant="outline" color="red" onClick={() => setAsked(true)}>
            {t("data.eraseDots")}
          </Button>
        </Row>
      )}
      {erased && (
        <Alert m="md" role="status" color="teal" title={t("data.erased")}>
          <Text>{t("data.goes", { count: erased.messages })}</Text>
          {erased.stays.length > 0 && (
            <List size="sm">
              {erased.stays.map((s) => (
                <List.Item key={s.why}>{s.why === "hold" && s.account && s.events === 0 ? t("stays.account") : t(`stays.${s.why}`, { count: s.events })}</List.Item>
              ))}
            </List>
          )}
        </Alert>
      )}
      {asked && (
        <TypeName
          title={t("data.erase")}
          text={t("data.eraseWarning")}
          action={t("data.erase")}
          name={p.user_id.slice(1).split(":")[0] ?? ""}
          onClose={() => setAsked(false)}
          act={async () => {
            setErased(await erasePerson(p.user_id));
            await queries.invalidateQueries({ queryKey: ["admin"] });
          }}
        />
      )}
    </Section>
  );
}

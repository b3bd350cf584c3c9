import { Button, Group, Modal, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { SwitchRow } from "@/settings/Choices.tsx";
import { Row, Section } from "@/settings/Section.tsx";
import { useAct } from "@/ui/act.ts";
import { useProgressWords } from "./ProgressLine.tsx";
import { rebuild, setOn, setPaused, startSearch, useSearch } from "./service.ts";

/** The settings of the search index in this browser. */
export function SearchSettings() {
  const { t, i18n } = useTranslation("search");
  const { on, paused } = useSearch((s) => s.wishes);
  const progress = useSearch((s) => s.progress);
  const words = useProgressWords();
  const { busy, act } = useAct();
  const [asking, setAsking] = useState(false);
  useEffect(() => void startSearch(), []);
  const size = new Intl.NumberFormat(i18n.language, { style: "unit", unit: "megabyte", maximumFractionDigits: 1 }).format((progress?.bytes ?? 0) / 1e6);
  const off = () => {
    setAsking(false);
    void act(() => setOn(false), t("settings.deleted"));
  };
  return (
    <>
      <Section title={t("settings.index")} text={t("settings.indexText")}>
        <SwitchRow label={t("settings.on")} text={t("settings.onText")} checked={on} disabled={busy} onChange={(v) => (v ? void act(() => setOn(true)) : setAsking(true))} />
        {on && <SwitchRow label={t("settings.history")} text={t("settings.historyText")} checked={!paused} onChange={(v) => setPaused(!v)} />}
        {on && (
          <Row label={t("settings.state")} text={<span role="status">{progress === null ? t("settings.starting") : `${words} ${t("settings.size", { size })}`}</span>}>
            <Button variant="default" loading={busy} onClick={() => void act(rebuild, t("settings.rebuilt"))}>
              {t("settings.rebuild")}
            </Button>
          </Row>
        )}
      </Section>
      <Modal opened={asking} onClose={() => setAsking(false)} title={t("settings.sure")} closeButtonProps={{ "aria-label": t("settings.cancel") }}>
        <Text mb="md">{t("settings.sureText")}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={() => setAsking(false)}>
            {t("settings.cancel")}
          </Button>
          <Button color="red" onClick={off}>
            {t("settings.delete")}
          </Button>
        </Group>
      </Modal>
    </>
  );
}

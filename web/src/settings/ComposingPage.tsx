import { useTranslation } from "react-i18next";
import { type Preferences, setPreferences, usePreferences } from "@/matrix/preferences.ts";
import { useAct } from "@/ui/act.ts";
import { ChoiceRow, SwitchRow } from "./Choices.tsx";
import { Section } from "./Section.tsx";

export function ComposingPage() {
  const { t } = useTranslation("settings");
  const p = usePreferences();
  const { act } = useAct();
  const set = (some: Partial<Preferences>) => void act(() => setPreferences(some));
  return (
    <>
      <Section title={t("composing.writing")}>
        <ChoiceRow
          label={t("composing.send")}
          text={p.sendWith === "enter" ? t("composing.enterText") : t("composing.ctrlEnterText")}
          value={p.sendWith}
          options={[
            { value: "enter", label: t("composing.enter") },
            { value: "ctrl-enter", label: t("composing.ctrlEnter") },
          ]}
          onChange={(sendWith) => set({ sendWith })}
        />
      </Section>
      <Section title={t("composing.others")} text={t("composing.othersText")}>
        <SwitchRow label={t("composing.typing")} text={t("composing.typingText")} checked={p.typing} onChange={(typing) => set({ typing })} />
        <SwitchRow
          label={t("composing.receipts")}
          text={t("composing.receiptsText")}
          checked={p.readReceipts === "public"}
         
          onChange={(on) => set({ readReceipts: on ? "public" : "private" })}
        />
      </Section>
    </>
  );
}

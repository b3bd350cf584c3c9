import { Select, type MantineColorScheme, useMantineColorScheme } from "@mantine/core";
import { useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { setAppearance, textSizes, useAppearance } from "@/app/appearance.ts";
import { chooseLanguage, chosenLanguage, type Language, languages } from "@/app/language.ts";
import { ChoiceRow, SwitchRow } from "./Choices.tsx";
import { Row, Section } from "./Section.tsx";

const names: Record<Language, string> = { en: "English", de: "Deutsch" };

export function AppearancePage() {
  const { t, i18n } = useTranslation("settings");
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const look = useAppearance();
  const [language, setLanguage] = useState<Language | null>(chosenLanguage);
  const languageId = useId();
  const sizeId = useId();
  const example = (hourCycle: "h23" | "h12") => new Intl.DateTimeFormat(i18n.language, { hour: "numeric", minute: "2-digit", hourCycle }).format(new Date(2026, 0, 1, 16, 5));
  return (
    <>
      <Section title={t("look.colors")}>
        <ChoiceRow<MantineColorScheme>
          label={t("look.theme")}
          text={t("look.themeText")}
          value={colorScheme}
          options={[
            { value: "auto", label: t("look.system") },
            { value: "light", label: t("look.light") },
            { value: "dark", label: t("look.dark") },
          ]}
          onChange={setColorScheme}
        />
      </Section>
      <Section title={t("look.text")}>
        <Row label={t("look.language")} labelId={languageId}>
          <Select
            aria-labelledby={languageId}
            allowDeselect={false}
            data={[{ value: "", label: t("look.browserLanguage") }, ...languages.map((l) => ({ value: l, label: names[l] }))]}
            value={language ?? ""}
            onChange={(v) => {
              const choice = languages.find((l) => l === v) ?? null;
              setLanguage(choice);
              void chooseLanguage(choice);
            }}
          />
        </Row>
        <Row label={t("look.size")} labelId={sizeId}>
          <Select
            aria-labelledby={sizeId}
            allowDeselect={false}
            data={textSizes.map((s) => ({ value: String(s), label: `${s} %` }))}
            value={String(look.textSize)}
            onChange={(v) => setAppearance({ textSize: Number(v) })}
          />
        </Row>
        <ChoiceRow
          label={t("look.clock")}
          value={look.clock}
          options={[
            { value: "auto", label: t("look.auto") },
            { value: "24", label: example("h23") },
            { value: "12", label: example("h12") },
          ]}
          onChange={(clock) => setAppearance({ clock })}
        />
      </Section>
      <Section title={t("look.messages")}>
        <ChoiceRow
          label={t("look.density")}
          text={t("look.densityText")}
          value={look.density}
          options={[
            { value: "comfortable", label: t("look.comfortable") },
            { value: "compact", label: t("look.compact") },
          ]}
          onChange={(density) => setAppearance({ density })}
        />
        <SwitchRow label={t("look.motion")} text={t("look.motionText")} checked={look.motion === "reduced"} onChange={(on) => setAppearance({ motion: on ? "reduced" : "auto" })} />
      </Section>
    </>
  );
}

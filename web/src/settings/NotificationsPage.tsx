import { Alert, TagsInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type NotificationSwitch, setKeywords, setNotification, useNotificationRules } from "@/matrix/notifications.ts";
import { desktopState, setDesktop } from "@/matrix/notifications-desktop.ts";
import { setPreferences, usePreferences } from "@/matrix/preferences.ts";
import { useAct } from "@/ui/act.ts";
import { ChoiceRow, SwitchRow } from "./Choices.tsx";
import { Section } from "./Section.tsx";
import { WebPush } from "./WebPush.tsx";

const switches: NotificationSwitch[] = ["mentions", "everyone", "invites"];

export function NotificationsPage() {
  const { t } = useTranslation("settings");
  const rules = useNotificationRules();
  const { notificationContent } = usePreferences();
  const { act } = useAct();
  const [desktop, setDesktopShown] = useState(desktopState);
  const set = (name: NotificationSwitch, on: boolean) => void act(() => setNotification(name, on));
  return (
    <>
      <Section title={t("notify.here")} text={t("notify.hereText")}>
        {desktop === "refused" && (
          <Alert color="orange" m="md" title={t("notify.refused")}>
            {t("notify.refusedText")}
          </Alert>
        )}
        {desktop === "unsupported" && (
          <Alert color="gray" m="md">
            {t("notify.unsupported")}
          </Alert>
        )}
        <SwitchRow
          label={t("notify.desktop")}
          text={t("notify.desktopText")}
          checked={desktop === "on"}
          disabled={desktop === "refused" || desktop === "unsupported"}
          onChange={(on) => void setDesktop(on).then(setDesktopShown)}
        />
        <WebPush />
        <SwitchRow label={t("notify.content")} text={t("notify.contentText")} checked={notificationContent} onChange={(on) => void act(() => setPreferences({ notificationContent: on }))} />
      </Section>
      <Section title={t("notify.what")} text={t("notify.whatText")}>
        <SwitchRow label={t("notify.paused")} text={t("notify.pausedText")} checked={rules.paused} onChange={(on) => set("paused", on)} />
        <ChoiceRow
          label={t("notify.direct")}
          text={t("notify.directText")}
          value={rules.direct ? "all" : "mentions"}
          options={[
            { value: "all", label: t("notify.all") },
            { value: "mentions", label: t("notify.mentionsOnly") },
          ]}
          onChange={(v) => set("direct", v === "all")}
        />
        <ChoiceRow
          label={t("notify.rooms")}
          text={t("notify.roomsText")}
          value={rules.rooms ? "all" : "mentions"}
          options={[
            { value: "all", label: t("notify.all") },
            { value: "mentions", label: t("notify.mentionsOnly") },
          ]}
          onChange={(v) => set("rooms", v === "all")}
        />
        {switches.map((s) => (
          <SwitchRow key={s} label={t(`notify.${s}`)} text={t(`notify.${s}Text`)} checked={rules[s] as boolean} onChange={(on) => set(s, on)} />
        ))}
      </Section>
      <Section title={t("notify.keywords")} text={t("notify.keywordsText")}>
        <TagsInput
          p="md"
          aria-label={t("notify.keywords")}
          placeholder={t("notify.keywordsAdd")}
          value={rules.keywords}
          maxTags={50}
          clearable={false}
          onChange={(words) => void act(() => setKeywords(words.map((w) => w.trim()).filter((w) => w !== "" && !w.startsWith("."))))}
        />
      </Section>
    </>
  );
}

import { Button, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { setIgnored, setInvitesBlocked, useIgnored, useInvitesBlocked } from "@/matrix/preferences-privacy.ts";
import { useAct } from "@/ui/act.ts";
import { SwitchRow } from "./Choices.tsx";
import { Row, Section } from "./Section.tsx";
import classes from "./Settings.module.css";

export function PrivacyPage() {
  const { t } = useTranslation("settings");
  const { busy, act } = useAct();
  const blocked = useInvitesBlocked();
  const ignored = useIgnored();
  const [user, setUser] = useState("");
  const valid = /^@[^:\s]+:\S+$/.test(user.trim());
  const ignore = async (e: React.FormEvent) => {
    e.preventDefault();
    if (await act(() => setIgnored(user.trim(), true), t("privacy.ignoredNow"))) setUser("");
  };
  return (
    <>
      <Section title={t("privacy.reach")}>
        <SwitchRow label={t("privacy.invites")} text={t("privacy.invitesText")} checked={blocked} onChange={(on) => void act(() => setInvitesBlocked(on))} />
      </Section>
      <Section title={t("privacy.ignored")} text={t("privacy.ignoredText")}>
        {ignored.map((u) => (
          <Row key={u} label={u}>
            <Button variant="default" loading={busy} aria-label={t("privacy.seeOne", { user: u })} onClick={() => void act(() => setIgnored(u, false))}>
              {t("privacy.see")}
            </Button>
          </Row>
        ))}
        {ignored.length === 0 && (
          <Text p="md" c="var(--quiet)">
            {t("privacy.nobody")}
          </Text>
        )}
        <form className={classes.row} onSubmit={(e) => void ignore(e)} style={{ borderBlockStart: "1px solid var(--line)" }}>
          <TextInput className={classes.about ?? ""} label={t("privacy.ignore")} placeholder="@name:example.org" autoComplete="off" autoCapitalize="none" value={user} onChange={(e) => setUser(e.currentTarget.value)} />
          <Button type="submit" variant="default" loading={busy} disabled={!valid} style={{ alignSelf: "flex-end" }}>
            {t("privacy.ignoreDo")}
          </Button>
        </form>
      </Section>
    </>
  );
}

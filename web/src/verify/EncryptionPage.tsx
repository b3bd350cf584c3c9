import { Button, Group, Stack, Switch, Text, Title } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { sendsOnlyToVerified, setSendOnlyToVerified, useEncryption } from "@/matrix/encryption.ts";
import { type RecoveryState, useRecoveryState } from "@/matrix/recovery-state.ts";
import { proveKept } from "@/matrix/recovery.ts";
import { moment } from "@/ui/when.ts";
import { ChangeRecoveryKey } from "./ChangeRecoveryKey.tsx";
import { KeyFiles } from "./KeyFiles.tsx";
import { ResetIdentity } from "./ResetIdentity.tsx";
import { RecoveryKeyForm } from "./RecoveryKeyForm.tsx";
import { SecurityHistory } from "./SecurityHistory.tsx";

/** Everything about the account's keys on one page: how recovery stands, and what can be changed. */
export function EncryptionPage() {
  const { t } = useTranslation("verify");
  const state = useRecoveryState();
  const [resetting, setResetting] = useState(false);
  return (
    <Stack gap="xl" maw="42rem">
      <Section title={t("page.recovery")}>{state ? <Recovery state={state} /> : <Text role="status">{t("checking")}</Text>}</Section>
      <Section title={t("page.sending")}>
        <OnlyVerified />
      </Section>
      <Section title={t("history.title")}>
        <SecurityHistory />
      </Section>
      <Section title={t("page.files")}>
        <KeyFiles />
      </Section>
      <Section title={t("reset.title")}>
        {resetting ? (
          <ResetIdentity onCancel={() => setResetting(false)} />
        ) : (
          <>
            <Text>{t("page.resetWhen")}</Text>
            <Group>
              <Button variant="light" color="red" onClick={() => setResetting(true)}>
                {t("reset.action")}
              </Button>
            </Group>
          </>
        )}
      </Section>
    </Stack>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Stack component="section" gap="sm" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

function Recovery({ state }: { state: RecoveryState }) {
  const { t, i18n } = useTranslation("verify");
  const remaining = useEncryption((s) => s.remaining);
  const { changed, backup } = state;
  const at = changed && moment(changed.at, i18n.language);
  const lines = [
    t(`page.storage.${state.storage}`),
    backup === null ? t("page.backup.none") : backup.active ? t("page.backup.active", { count: backup.count }) : t("page.backup.inactive"),
    remaining ? t("page.remaining", { count: remaining }) : "",
    changed ? t("page.changed", { at, device: changed.deviceName || changed.deviceId }) : state.storage === "none" ? "" : t("page.changedUnknown"),
  ];
  const [proving, setProving] = useState(false);
  return (
    <Stack gap="sm">
      {lines
        .filter((l) => l !== "")
        .map((l) => (
          <Text key={l}>{l}</Text>
        ))}
      {changed && !changed.kept && (
        <>
          <Text>{t("page.notKept")}</Text>
          {proving ? (
            <RecoveryKeyForm passphrase={state.passphrase} act={proveKept} onDone={() => setProving(false)} />
          ) : (
            <Group>
              <Button variant="light" onClick={() => setProving(true)}>
                {t("page.prove")}
              </Button>
            </Group>
          )}
        </>
      )}
      {state.storage === "incomplete" && !state.canChange && <RecoveryKeyForm passphrase={state.passphrase} />}
      {state.canChange && <ChangeRecoveryKey first={state.storage === "none"} />}
    </Stack>
  );
}

function OnlyVerified() {
  const { t } = useTranslation("verify");
  const [on, setOn] = useState(sendsOnlyToVerified);
  const change = (value: boolean) => {
    setOn(value);
    void setSendOnlyToVerified(value);
  };
  return (
    <>
      <Text>{t("page.sendingText")}</Text>
      <Switch label={t("page.onlyVerified")} description={t("page.onlyVerifiedText")} checked={on} onChange={(e) => change(e.currentTarget.checked)} />
    </>
  );
}

import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { signOut } from "@/matrix/client.ts";
import { storageKind } from "@/matrix/recovery.ts";
import { useOtherDevices } from "@/matrix/trust.ts";
import { verifyThisDevice, type Way } from "@/matrix/verification.ts";
import { RecoveryKeyForm } from "./RecoveryKeyForm.tsx";
import { ResetIdentity } from "./ResetIdentity.tsx";
import classes from "./verify.module.css";

/** All ways in which a new device is confirmed, each with what it needs and, if so, why it is not there. */
export function ConfirmDevicePage() {
  const { t } = useTranslation("verify");
  const devices = useOtherDevices();
  const kind = useQuery({ queryKey: ["recovery", "kind"], queryFn: storageKind }).data;
  const [resetting, setResetting] = useState(false);
  const names = (devices ?? []).map((d) => d.name || d.id).join(", ");
  const available = devices === undefined ? t("confirm.looking") : devices.length === 0 ? t("confirm.noDevice") : t("confirm.devices", { count: devices.length, names });
  const byDevice = (way: Way) => (
    <Section title={t(`confirm.${way}.title`)} text={t(`confirm.${way}.text`)} note={available}>
      <Button variant="light" disabled={!devices?.length} onClick={() => void verifyThisDevice(way)}>
        {t(`confirm.${way}.action`)}
      </Button>
    </Section>
  );
  return (
    <main className={classes.page}>
      <Stack className={classes.card}>
        <Title order={1} size="h2">
          {t("confirm.title")}
        </Title>
        <Text>{t("confirm.text")}</Text>
        {byDevice("emoji")}
        {byDevice("code")}
        <Section title={t("confirm.key.title")} text={kind === "passphrase" ? t("confirm.key.textPassphrase") : t("confirm.key.text")} note={kind === "none" ? t("confirm.key.none") : ""}>
          {kind !== "none" && <RecoveryKeyForm passphrase={kind === "passphrase"} />}
        </Section>
        <Section title={t("confirm.reset.title")} text={t("confirm.reset.text")}>
          {resetting ? (
            <ResetIdentity onCancel={() => setResetting(false)} />
          ) : (
            <Button variant="light" color="red" onClick={() => setResetting(true)}>
              {t("confirm.reset.action")}
            </Button>
          )}
        </Section>
        <Group justify="flex-end">
          <Button variant="subtle" onClick={() => void signOut()}>
            {t("confirm.signOut")}
          </Button>
        </Group>
      </Stack>
    </main>
  );
}

function Section({ title, text, note, children }: { title: string; text: string; note?: string; children?: ReactNode }) {
  return (
    <Stack component="section" className={classes.way} gap="xs" align="flex-start" aria-label={title}>
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text>{text}</Text>
      {note && (
        <Text c="var(--quiet)" size="sm">
          {note}
        </Text>
      )}
      {children && <div style={{ inlineSize: "100%" }}>{children}</div>}
    </Stack>
  );
}

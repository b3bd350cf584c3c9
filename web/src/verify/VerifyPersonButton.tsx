import { Alert, Badge, Button, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { acknowledgeIdentity, personName, usePersonDevices, usePersonTrust } from "@/matrix/trust.ts";
import { verifyPerson } from "@/matrix/verification.ts";

/** The one state of a person's keys, as a word. */
export function PersonTrustBadge({ userId }: { userId: string }) {
  const { t } = useTranslation("verify");
  const trust = usePersonTrust(userId);
  if (trust === undefined || trust === "unknown") return null;
  return (
    <Badge variant="light" color={trust === "verified" ? "teal" : trust === "changed" ? "orange" : "gray"}>
      {t(`person.${trust}`)}
    </Badge>
  );
}

/** Whether a person is verified, and what can be done about it. */
export function VerifyPersonButton({ userId }: { userId: string }) {
  const { t } = useTranslation("verify");
  const trust = usePersonTrust(userId);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState("");
  if (trust === undefined) return null;
  const act = async (what: (userId: string) => Promise<void>) => {
    setBusy(true);
    setError("");
    try {
      await what(userId);
    } catch (err) {
      setError(t("problem.other", { detail: err instanceof Error ? err.message : String(err) }));
    }
    setBusy(false);
  };
  return (
    <Stack gap="xs" align="flex-start">
      <PersonTrustBadge userId={userId} />
      <Text size="sm">{t(`person.${trust}Text`, { name: personName(userId) })}</Text>
      {error && (
        <Alert color="red" role="alert">
          {error}
        </Alert>
      )}
      <Group gap="xs">
        {(trust === "unverified" || trust === "changed") && (
          <Button size="compact-md" variant="light" loading={busy} onClick={() => void act(verifyPerson)}>
            {t("person.verify")}
          </Button>
        )}
        {trust === "changed" && (
          <Button size="compact-md" variant="default" disabled={busy} onClick={() => void act(acknowledgeIdentity)}>
            {t("person.goOn")}
          </Button>
        )}
      </Group>
    </Stack>
  );
}

/** The devices of a person that take part in encrypted chats. */
export function PersonDevices({ userId }: { userId: string }) {
  const { t } = useTranslation("verify");
  const devices = usePersonDevices(userId);
  if (devices === undefined) return null;
  if (devices.length === 0) return <Text size="sm">{t("person.noDevices")}</Text>;
  return (
    <Stack component="ul" gap="xs" m={0} p={0} aria-label={t("person.devices")} style={{ listStyle: "none" }}>
      {devices.map((d) => (
        <li key={d.id}>
          <Text size="sm">
            {d.name || d.id} · {d.confirmed ? t("person.confirmed") : t("person.unconfirmed")}
          </Text>
          <Text size="xs" c="var(--quiet)" ff="monospace" style={{ overflowWrap: "anywhere" }}>
            {d.key}
          </Text>
        </li>
      ))}
    </Stack>
  );
}

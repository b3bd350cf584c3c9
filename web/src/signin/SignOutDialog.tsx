import { Alert, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { signOut } from "@/matrix/client.ts";
import { useEncryption } from "@/matrix/encryption.ts";
import { useRecoveryState } from "@/matrix/recovery-state.ts";
import { useOtherDevices } from "@/matrix/trust.ts";

interface Props {
  opened: boolean;
  onClose: () => void;
}

/** Asks before this device signs out, and says what would be lost by it. */
export function SignOutDialog({ opened, onClose }: Props) {
  const { t } = useTranslation("signin");
  return (
    <Modal opened={opened} onClose={onClose} title={t("out.title")} closeButtonProps={{ "aria-label": t("out.close") }}>
      {opened && <Question onClose={onClose} />}
    </Modal>
  );
}

/** The text that says what a sign-out would lose; "" if nothing, undefined as long as it is not known. */
function useRisk(): string | undefined {
  const { t } = useTranslation("signin");
  const recovery = useRecoveryState();
  const devices = useOtherDevices();
  const remaining = useEncryption((s) => s.remaining) ?? 0;
  if (recovery === undefined || devices === undefined) return undefined;
  if (remaining > 0) return t("out.pending", { count: remaining });
  if (recovery.storage !== "ready" || !recovery.backup?.active) return devices.length > 0 ? "" : t("out.noBackup");
  return recovery.changed?.kept === false && devices.length === 0 ? t("out.notKept") : "";
}

function Question({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("signin");
  const risk = useRisk();
  const [busy, setBusy] = useState(false);
  const leave = () => {
    setBusy(true);
    void signOut();
  };
  return (
    <Stack>
      <Text>{t("out.text")}</Text>
      {risk && (
        <Alert color="orange" role="alert" title={t("out.risk")}>
          {risk}
        </Alert>
      )}
      <Group>
        <Button color="red" loading={busy || risk === undefined} onClick={leave}>
          {risk ? t("out.anyway") : t("out.action")}
        </Button>
        <Button variant="default" onClick={onClose}>
          {t("out.cancel")}
        </Button>
      </Group>
    </Stack>
  );
}

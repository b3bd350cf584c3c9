import { Center, Loader, Stack, Text } from "@mantine/core";
import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Notice } from "@/app/Notice.tsx";
import { retryEncryption, type Stage as StageName, useEncryption } from "@/matrix/encryption.ts";
import { useVerification } from "@/matrix/verification.ts";
import { RestoreStatus } from "./RestoreStatus.tsx";

const ConfirmDevicePage = lazy(async () => ({ default: (await import("./ConfirmDevicePage.tsx")).ConfirmDevicePage }));
const RecoveryKeyPage = lazy(async () => ({ default: (await import("./RecoveryKeyPage.tsx")).RecoveryKeyPage }));
const VerificationDialog = lazy(async () => ({ default: (await import("./VerificationDialog.tsx")).VerificationDialog }));

/** Shows the app once this device has its keys, and until then what is to be done for it. */
export function KeysGate({ children }: { children: ReactNode }) {
  const { t } = useTranslation("verify");
  const stage = useEncryption((s) => s.stage);
  const verifying = useVerification() !== null;
  return (
    <Suspense fallback={<Waiting text={t("checking")} />}>
      <Stage stage={stage}>{children}</Stage>
      {verifying && <VerificationDialog />}
      <RestoreStatus />
    </Suspense>
  );
}

function Stage({ stage, children }: { stage: StageName; children: ReactNode }) {
  const { t } = useTranslation("verify");
  const recoveryKey = useEncryption((s) => s.recoveryKey);
  const error = useEncryption((s) => s.error);
  switch (stage) {
    case "ready":
      return children;
    case "unconfirmed":
      return <ConfirmDevicePage />;
    case "show-key":
      return <RecoveryKeyPage recoveryKey={recoveryKey ?? ""} />;
    case "failed":
      return <Notice title={t("failed.title")} text={`${t("failed.text")} (${error})`} action={t("failed.again")} onAction={retryEncryption} />;
    default:
      return <Waiting text={stage === "setting-up" ? t("settingUp") : t("checking")} />;
  }
}

function Waiting({ text }: { text: string }) {
  return (
    <Center component="main" h="100dvh">
      <Stack align="center">
        <Loader aria-hidden />
        <Text role="status">{text}</Text>
      </Stack>
    </Center>
  );
}

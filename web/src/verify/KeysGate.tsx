import { Center, Loader, Stack, Text } from "@mantine/core";
import { lazy, type ReactNode, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { withTexts } from "@/app/language.ts";
import { Notice } from "@/app/Notice.tsx";
import { useClientState } from "@/matrix/client.ts";
import { retryEncryption, type Stage as StageName, useEncryption } from "@/matrix/encryption.ts";
import { useVerification } from "@/matrix/verification.ts";

const ConfirmDevicePage = lazy(withTexts(["verify"], async () => ({ default: (await import("./ConfirmDevicePage.tsx")).ConfirmDevicePage })));
const RecoveryKeyPage = lazy(withTexts(["verify"], async () => ({ default: (await import("./RecoveryKeyPage.tsx")).RecoveryKeyPage })));
const RestoreStatus = lazy(withTexts(["verify"], async () => ({ default: (await import("./RestoreStatus.tsx")).RestoreStatus })));
const VerificationDialog = lazy(withTexts(["verify"], async () => ({ default: (await import("./VerificationDialog.tsx")).VerificationDialog })));

/** Shows the app once this device has its keys, and until then what is to be done for it. */
export function KeysGate({ children }: { children: ReactNode }) {
  const { t } = useTranslation("app");
  const stage = useEncryption((s) => s.stage);
  const verifying = useVerification() !== null;
  const restoring = useEncryption((s) => s.restore !== null);
  return (
    <Suspense fallback={<Waiting text={t("keys.checking")} />}>
      <Stage stage={stage}>{children}</Stage>
      <Suspense fallback={null}>
        {verifying && <VerificationDialog />}
        {restoring && <RestoreStatus />}
      </Suspense>
    </Suspense>
  );
}

function Stage({ stage, children }: { stage: StageName; children: ReactNode }) {
  const { t } = useTranslation("app");
  const recoveryKey = useEncryption((s) => s.recoveryKey);
  const error = useEncryption((s) => s.error);
  const early = useClientState((s) => s.early); // it had its keys when the list was kept
  switch (stage) {
    case "ready":
      return children;
    case "checking":
      return early ? children : <Waiting text={t("keys.checking")} />;
    case "unconfirmed":
      return <ConfirmDevicePage />;
    case "show-key":
      return <RecoveryKeyPage recoveryKey={recoveryKey ?? ""} />;
    case "failed":
      return <Notice title={t("keys.failed.title")} text={`${t("keys.failed.text")} (${error})`} action={t("keys.failed.again")} onAction={retryEncryption} />;
    default:
      return <Waiting text={stage === "setting-up" ? t("keys.settingUp") : t("keys.checking")} />;
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

import { Button, Center, Code, CopyButton, Group, Loader, Stack, VisuallyHidden } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useClientState } from "@/matrix/client.ts";

const QrCode = lazy(async () => ({ default: (await import("./QrCode.tsx")).QrCode }));

/** Saves a text as a file. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** A recovery key that has just been made: to be read, copied, scanned or saved. */
export function RecoveryKeyCard({ recoveryKey }: { recoveryKey: string }) {
  const { t } = useTranslation("verify");
  const user = useClientState((s) => s.userId);
  const [code, setCode] = useState(false);
  return (
    <Stack>
      <VisuallyHidden id="recovery-key">{t("key.label")}</VisuallyHidden>
      <Code block role="textbox" aria-readonly aria-labelledby="recovery-key" tabIndex={0} fz="md" style={{ whiteSpace: "pre-wrap", lineHeight: 1.8, userSelect: "all" }}>
        {recoveryKey}
      </Code>
      <Group>
        <CopyButton value={recoveryKey}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? t("key.copied") : t("key.copy")}
            </Button>
          )}
        </CopyButton>
        <Button variant="default" onClick={() => saveText("conclave-recovery-key.txt", t("key.file", { user, key: recoveryKey }))}>
          {t("key.download")}
        </Button>
        <Button variant="default" aria-expanded={code} onClick={() => setCode(!code)}>
          {code ? t("key.hideCode") : t("key.code")}
        </Button>
      </Group>
      {code && (
        <Suspense fallback={<Loader />}>
          <Center>
            <QrCode data={recoveryKey} label={t("key.codeLabel")} />
          </Center>
        </Suspense>
      )}
    </Stack>
  );
}

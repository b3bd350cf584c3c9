import { Button, Center, Group, Loader, Modal, Stack, Text } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { personName } from "@/matrix/trust.ts";
import { acceptVerification, answerVerification, closeVerification, compareEmoji, scanCode, useVerification, type Verification } from "@/matrix/verification.ts";
import { cancelText } from "./problem.ts";
import classes from "./verify.module.css";

const QrCode = lazy(async () => ({ default: (await import("./QrCode.tsx")).QrCode }));
const ScanCode = lazy(async () => ({ default: (await import("./ScanCode.tsx")).ScanCode }));

interface StepProps {
  v: Verification;
  name: string;
}

/** The verification that runs, if any: with another device or another person, asked by either side. */
export function VerificationDialog() {
  const v = useVerification();
  return v ? <Dialog v={v} /> : null;
}

function Dialog({ v }: { v: Verification }) {
  const { t } = useTranslation("verify");
  const name = personName(v.userId);
  return (
    <Modal
      opened
      onClose={() => void closeVerification()}
      closeOnClickOutside={false}
      title={v.self ? t("dialog.titleSelf") : t("dialog.titlePerson", { name })}
      closeButtonProps={{ "aria-label": t("dialog.close") }}
      zIndex={400}
    >
      <div aria-live="polite">
        <StepView v={v} name={name} />
      </div>
    </Modal>
  );
}

function StepView({ v, name }: StepProps) {
  const { t } = useTranslation("verify");
  const whose = v.self ? "self" : "person";
  const close = () => void closeVerification();
  switch (v.step) {
    case "asked":
      return (
        <Ask text={t(`dialog.asked.${whose}`, { name })} yes={t("dialog.asked.accept")} onYes={() => void acceptVerification()} no={t("dialog.asked.decline")} onNo={close} />
      );
    case "waiting":
      return <Wait text={t(`dialog.waiting.${whose}`, { name })} />;
    case "working":
      return <Wait text={t("dialog.working")} />;
    case "choose":
      return <Choose v={v} />;
    case "compare":
      return <Compare v={v} />;
    case "scanned":
      return <Ask text={t("dialog.scanned.text")} yes={t("dialog.scanned.yes")} onYes={() => answerVerification(true)} no={t("dialog.scanned.no")} onNo={() => answerVerification(false)} />;
    case "done":
      return <End text={t(`dialog.done.${whose}`, { name })} action={t("dialog.done.close")} onAction={close} />;
    case "cancelled":
      return <End text={cancelText(t, v.reason, v.cancelledHere)} action={t("dialog.close")} onAction={close} />;
  }
}

function Ask(p: { text: string; yes: string; onYes: () => void; no: string; onNo: () => void }) {
  return (
    <Stack>
      <Text>{p.text}</Text>
      <Group>
        <Button data-autofocus onClick={p.onYes}>
          {p.yes}
        </Button>
        <Button variant="default" onClick={p.onNo}>
          {p.no}
        </Button>
      </Group>
    </Stack>
  );
}

function Wait({ text }: { text: string }) {
  const { t } = useTranslation("verify");
  return (
    <Stack>
      <Text>{text}</Text>
      <Center p="md">
        <Loader aria-hidden />
      </Center>
      <Button variant="default" onClick={() => void closeVerification()}>
        {t("dialog.cancel")}
      </Button>
    </Stack>
  );
}

function End({ text, action, onAction }: { text: string; action: string; onAction: () => void }) {
  return (
    <Stack>
      <Text>{text}</Text>
      <Button data-autofocus onClick={onAction}>
        {action}
      </Button>
    </Stack>
  );
}

function Choose({ v }: { v: Verification }) {
  const { t } = useTranslation("verify");
  const [scanning, setScanning] = useState(false);
  return (
    <Suspense fallback={<Loader />}>
      {scanning ? (
        <ScanCode onCode={scanCode} onBack={() => setScanning(false)} />
      ) : (
        <Stack>
          <Text>{v.code ? t("dialog.choose.scan") : t("dialog.choose.none")}</Text>
          {v.code && (
            <Center>
              <QrCode data={v.code} label={t("dialog.choose.codeLabel")} />
            </Center>
          )}
          {v.canScan && (
            <Button variant="default" onClick={() => setScanning(true)}>
              {t("dialog.choose.scanIt")}
            </Button>
          )}
          {v.canCompare && (
            <Button variant="default" onClick={compareEmoji}>
              {t("dialog.choose.compare")}
            </Button>
          )}
        </Stack>
      )}
    </Suspense>
  );
}

function Compare({ v }: { v: Verification }) {
  const { t } = useTranslation("verify");
  return (
    <Stack>
      <Text>{t("dialog.compare.text")}</Text>
      <ul className={classes.emoji}>
        {v.emoji.map(([emoji, index], i) => (
          <li key={`${i} ${emoji}`}>
            <span aria-hidden>{emoji}</span>
            <span>{t(`emoji.${index}`)}</span>
          </li>
        ))}
      </ul>
      <Group justify="center">
        <Button data-autofocus onClick={() => answerVerification(true)}>
          {t("dialog.compare.same")}
        </Button>
        <Button variant="default" color="red" onClick={() => answerVerification(false)}>
          {t("dialog.compare.differ")}
        </Button>
      </Group>
    </Stack>
  );
}

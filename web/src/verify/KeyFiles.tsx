import { Alert, Button, FileInput, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { exportKeys, importKeys, KeyFileError } from "@/matrix/encryption-export.ts";
import { saveText } from "./RecoveryKeyCard.tsx";

/** Takes the messages' keys to a file and from one, as other clients do it too. */
export function KeyFiles() {
  const { t } = useTranslation("verify");
  const [dialog, setDialog] = useState<"export" | "import" | null>(null);
  const [result, setResult] = useState("");
  return (
    <Stack gap="sm">
      <Text>{t("files.text")}</Text>
      {result && <Text role="status">{result}</Text>}
      <Group>
        <Button variant="default" onClick={() => setDialog("export")}>
          {t("files.export")}
        </Button>
        <Button variant="default" onClick={() => setDialog("import")}>
          {t("files.import")}
        </Button>
      </Group>
      <Modal opened={dialog !== null} onClose={() => setDialog(null)} title={dialog && t(`files.${dialog}`)} closeButtonProps={{ "aria-label": t("dialog.close") }}>
        {dialog === "export" && <Export onDone={() => setDialog(null)} />}
        {dialog === "import" && (
          <Import
            onDone={(count) => {
              setDialog(null);
              setResult(t("files.imported", { count }));
            }}
          />
        )}
      </Modal>
    </Stack>
  );
}

function Phrase({ label, value, onChange, fresh }: { label: string; value: string; onChange: (v: string) => void; fresh: boolean }) {
  const { t } = useTranslation("verify");
  return (
    <PasswordInput
      label={label}
      required
      minLength={fresh ? 8 : 1}
      autoComplete={fresh ? "new-password" : "off"}
      value={value}
      onChange={(e) => onChange(e.currentTarget.value)}
      visibilityToggleButtonProps={{ "aria-label": t("page.showPhrase"), tabIndex: 0 }}
    />
  );
}

function Failure({ text }: { text: string }) {
  return text ? (
    <Alert color="red" role="alert">
      {text}
    </Alert>
  ) : null;
}

function Export({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation("verify");
  const [phrase, setPhrase] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (phrase !== again) {
      setError(t("files.differ"));
      return;
    }
    setBusy(true);
    try {
      saveText("conclave-keys.txt", await exportKeys(phrase));
      onDone();
    } catch (err) {
      setError(t("problem.other", { detail: err instanceof Error ? err.message : String(err) }));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(e) => void submit(e)}>
      <Stack>
        <Text>{t("files.exportText")}</Text>
        <Failure text={error} />
        <Phrase label={t("files.phrase")} value={phrase} onChange={setPhrase} fresh />
        <Phrase label={t("files.again")} value={again} onChange={setAgain} fresh />
        <Button type="submit" loading={busy}>
          {t("files.export")}
        </Button>
      </Stack>
    </form>
  );
}

function Import({ onDone }: { onDone: (count: number) => void }) {
  const { t } = useTranslation("verify");
  const [file, setFile] = useState<File | null>(null);
  const [phrase, setPhrase] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (file === null) {
      setError(t("files.choose"));
      return;
    }
    setBusy(true);
    try {
      onDone(await importKeys(await file.text(), phrase));
    } catch (err) {
      setError(err instanceof KeyFileError ? t(`files.problem.${err.problem}`) : t("problem.other", { detail: err instanceof Error ? err.message : String(err) }));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(e) => void submit(e)}>
      <Stack>
        <Failure text={error} />
        <FileInput label={t("files.file")} required value={file} onChange={setFile} accept="text/plain,.txt" />
        <Phrase label={t("files.phrase")} value={phrase} onChange={setPhrase} fresh={false} />
        <Button type="submit" loading={busy}>
          {t("files.import")}
        </Button>
      </Stack>
    </form>
  );
}

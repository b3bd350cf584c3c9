import { Alert, Button, Stack, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { recover } from "@/matrix/recovery.ts";
import { problemText } from "./problem.ts";

/** Confirms this device by the recovery key; where the account has a passphrase, by that too. */
export function RecoveryKeyForm({ passphrase, onDone }: { passphrase: boolean; onDone?: () => void }) {
  const { t } = useTranslation("verify");
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      await recover(text);
      onDone?.();
    } catch (err) {
      setError(problemText(t, err, passphrase));
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(e) => void submit(e)}>
      <Stack align="flex-start">
        {error && (
          <Alert color="red" role="alert" w="100%">
            {error}
          </Alert>
        )}
        <Textarea
          w="100%"
          label={passphrase ? t("confirm.key.labelPassphrase") : t("confirm.key.label")}
          value={text}
          onChange={(e) => setText(e.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
          autosize
          required
        />
        <Button type="submit" loading={busy}>
          {t("confirm.key.action")}
        </Button>
      </Stack>
    </form>
  );
}

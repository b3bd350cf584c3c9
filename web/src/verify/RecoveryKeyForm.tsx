import { Alert, Button, Stack, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { recover } from "@/matrix/recovery.ts";
import { problemText } from "./problem.ts";

interface Props {
  passphrase: boolean;
  /** What is done with what was typed: the device is confirmed by it unless something else is wanted. */
  act?: (text: string) => Promise<unknown>;
  onDone?: () => void;
}

/** Asks for the recovery key; where the account has a passphrase, that does too. */
export function RecoveryKeyForm({ passphrase, act = recover, onDone }: Props) {
  const { t } = useTranslation("verify");
  const [text, setText] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      await act(text);
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

import { Alert, Button, Group, PasswordInput, Stack, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { recoveryKeyKept } from "@/matrix/encryption.ts";
import { useOrganisation } from "@/matrix/organisation.ts";
import { changeRecoveryKey } from "@/matrix/recovery-reset.ts";
import { RecoveryKeyCard } from "./RecoveryKeyCard.tsx";

const shortest = 12;

/** Makes a new recovery key, or the first one; where the organisation allows it, with a passphrase that does the same. */
export function ChangeRecoveryKey({ first }: { first: boolean }) {
  const { t } = useTranslation("verify");
  const { passphraseRecovery } = useOrganisation().policy;
  const [phrase, setPhrase] = useState<string | null>(null);
  const [made, setMade] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const make = async (passphrase?: string) => {
    setBusy(true);
    setError("");
    try {
      setMade(await changeRecoveryKey(passphrase));
      setPhrase(null);
    } catch (err) {
      setError(t("problem.other", { detail: err instanceof Error ? err.message : String(err) }));
    }
    setBusy(false);
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (phrase === null || phrase.length < shortest) setError(t("page.phraseShort", { count: shortest }));
    else void make(phrase);
  };
  const kept = () => {
    setMade("");
    void recoveryKeyKept();
  };
  if (made !== "") {
    return (
      <Stack>
        <Text>{t("page.newKey")}</Text>
        <RecoveryKeyCard recoveryKey={made} />
        <Group>
          <Button onClick={kept}>{t("key.kept")}</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <Stack>
      {error && (
        <Alert color="red" role="alert">
          {error}
        </Alert>
      )}
      {phrase === null ? (
        <Group>
          <Button variant="light" loading={busy} onClick={() => void make()}>
            {first ? t("page.makeKey") : t("page.changeKey")}
          </Button>
          {passphraseRecovery && (
            <Button variant="light" disabled={busy} onClick={() => setPhrase("")}>
              {t("page.phrase")}
            </Button>
          )}
        </Group>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <PasswordInput
              label={t("page.phraseLabel")}
              description={t("page.phraseText")}
              autoComplete="new-password"
              value={phrase}
              onChange={(e) => setPhrase(e.currentTarget.value)}
              visibilityToggleButtonProps={{ "aria-label": t("page.showPhrase"), tabIndex: 0 }}
            />
            <Group>
              <Button type="submit" loading={busy}>
                {t("page.phraseSave")}
              </Button>
              <Button variant="default" onClick={() => setPhrase(null)}>
                {t("reset.cancel")}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Stack>
  );
}

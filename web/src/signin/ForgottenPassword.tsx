import { Button, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { type PasswordWish, setWishedPassword, wishPassword } from "@/matrix/signin-password.ts";
import { Card } from "./Card.tsx";
import { Failure, PasswordField } from "./Fields.tsx";
import { reason } from "./reason.ts";

/** A new password by a message to the account's address; where the server sends none, who to ask instead. */
export function ForgottenPassword({ onBack }: { onBack: () => void }) {
  const { t } = useTranslation("signin");
  const [wish, setWish] = useState<PasswordWish | null>(null);
  const [done, setDone] = useState(false);
  const [field, setField] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const run = (act: () => Promise<void>) => async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      await act();
    } catch (err) {
      setError(t(reason(err)));
    }
    setBusy(false);
  };
  const ask = run(async () => {
    const made = await wishPassword(field.trim());
    if (made === null) setError(t("forgotten.noMail"));
    else {
      setWish(made);
      setField("");
    }
  });
  const set = run(async () => {
    if (wish === null) return;
    if ((await setWishedPassword(wish, field)) === "set") setDone(true);
    else setError(t("forgotten.unopened"));
  });
  return (
    <Card title={t("forgotten.title")}>
      <Failure text={error} />
      {done ? (
        <Text role="status">{t("forgotten.done")}</Text>
      ) : wish === null ? (
        <form onSubmit={(e) => void ask(e)}>
          <Stack>
            <Text>{t("forgotten.text")}</Text>
            <TextInput type="email" label={t("forgotten.email")} autoComplete="email" required value={field} onChange={(e) => setField(e.currentTarget.value)} />
            <Button type="submit" loading={busy}>
              {t("forgotten.send")}
            </Button>
          </Stack>
        </form>
      ) : (
        <form onSubmit={(e) => void set(e)}>
          <Stack>
            <Text>{t("forgotten.sent")}</Text>
            <PasswordField label={t("forgotten.password")} autoComplete="new-password" value={field} onChange={(e) => setField(e.currentTarget.value)} />
            <Button type="submit" loading={busy}>
              {t("forgotten.set")}
            </Button>
          </Stack>
        </form>
      )}
      <Button variant="subtle" onClick={onBack}>
        {t("forgotten.back")}
      </Button>
    </Card>
  );
}

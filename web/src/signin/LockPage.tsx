import { Button, Stack, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { signOut, unlock } from "@/matrix/client.ts";
import { keptSession } from "@/matrix/session.ts";
import { Card } from "./Card.tsx";
import { Failure, PasswordField } from "./Fields.tsx";
import { reason } from "./reason.ts";

/** Nobody used the app for a while: the password opens it, without the server too. */
export function LockPage() {
  const { t } = useTranslation("signin");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      if (await unlock(password)) return;
      setError(t("lock.wrong"));
    } catch (err) {
      setError(t(reason(err)));
    }
    setBusy(false);
  };
  return (
    <Card title={t("lock.title")} text={t("lock.text", { user: keptSession()?.userId ?? "" })}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <Failure text={error} />
          <PasswordField label={t("password")} autoComplete="current-password" data-autofocus value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
          <Button type="submit" loading={busy}>
            {t("lock.open")}
          </Button>
        </Stack>
      </form>
      {leaving ? (
        <>
          <Text>{t("lock.leaveText")}</Text>
          <Button color="red" variant="light" onClick={() => void signOut()}>
            {t("lock.leave")}
          </Button>
        </>
      ) : (
        <Button variant="subtle" onClick={() => setLeaving(true)}>
          {t("lock.other")}
        </Button>
      )}
    </Card>
  );
}

import { Alert, Button, Group, List, PasswordInput, Stack, Text } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { resetIdentity } from "@/matrix/recovery-reset.ts";

/** Says what a reset does, and does it after the password. */
export function ResetIdentity({ onCancel, onDone }: { onCancel: () => void; onDone?: () => void }) {
  const { t } = useTranslation("verify");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      if (await resetIdentity(password)) onDone?.();
      else setError(t("reset.wrong"));
    } catch (err) {
      setError(t("reset.failed", { detail: err instanceof Error ? err.message : String(err) }));
    }
    setBusy(false);
  };
  return (
    <form onSubmit={(e) => void submit(e)}>
      <Stack>
        <Text>{t("reset.consequences")}</Text>
        <List>
          {(["c1", "c2", "c3", "c4"] as const).map((c) => (
            <List.Item key={c}>{t(`reset.${c}`)}</List.Item>
          ))}
        </List>
        {error && (
          <Alert color="red" role="alert">
            {error}
          </Alert>
        )}
        <PasswordInput
          label={t("reset.password")}
          autoComplete="current-password"
          required
          value={password}
          onChange={(e) => setPassword(e.currentTarget.value)}
          visibilityToggleButtonProps={{ "aria-label": t("reset.showPassword"), tabIndex: 0 }}
        />
        <Group>
          <Button type="submit" color="red" loading={busy}>
            {t("reset.action")}
          </Button>
          <Button variant="default" onClick={onCancel} disabled={busy}>
            {t("reset.cancel")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

import { Alert, Button, Checkbox, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/ui/act.ts";
import { type PersonDetails, resetPassword } from "./api.ts";
import { Secret } from "./Secret.tsx";

/** Gives an account another password: a given one, or one that is made up and shown once. */
export function ResetPassword({ p, onClose }: { p: PersonDetails; onClose: () => void }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const [password, setPassword] = useState("");
  const [signOut, setSignOut] = useState(true);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const submit = async (e: React.FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      setMade((await resetPassword(p.user_id, password, signOut)).password ?? "");
      await queries.invalidateQueries({ queryKey: ["admin"] });
    } catch (err) {
      setError(errorText(err));
    }
    setBusy(false);
  };
  return (
    <Modal opened onClose={onClose} title={t("acts.password")} closeButtonProps={{ "aria-label": t("close") }} centered>
      {made !== null ? (
        <Stack>
          <Text>{t("reset.done", { name: p.display_name || p.user_id })}</Text>
          {made !== "" && (
            <>
              <Text size="sm">{t("add.once")}</Text>
              <Secret label={t("add.password")} value={made} />
            </>
          )}
          <Group justify="flex-end">
            <Button onClick={onClose}>{t("close")}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={(e) => void submit(e)}>
          <Stack>
            <Text>{t("reset.text")}</Text>
            {error && (
              <Alert color="red" role="alert">
                {error}
              </Alert>
            )}
            <PasswordInput
              label={t("add.password")}
              description={t("add.passwordText")}
              autoComplete="new-password"
              value={password}
              onChange={(e) => setPassword(e.currentTarget.value)}
              visibilityToggleButtonProps={{ "aria-label": t("showPassword"), tabIndex: 0 }}
            />
            <Checkbox label={t("reset.signOut")} checked={signOut} onChange={(e) => setSignOut(e.currentTarget.checked)} />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t("cancel")}
              </Button>
              <Button type="submit" color="red" loading={busy}>
                {t("reset.do")}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

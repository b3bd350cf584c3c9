import { Alert, Button, Paper, PasswordInput, Stack, TextInput, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, OfflineError } from "@/matrix/api.ts";
import { signIn } from "@/matrix/client.ts";
import { signInWithPassword } from "@/matrix/signin.ts";
import classes from "./SignInPage.module.css";

/** The text for what went wrong, by what the server said. */
function reason(err: unknown): string {
  if (err instanceof OfflineError) return "error.offline";
  if (err instanceof ApiError && err.code === "M_LIMIT_EXCEEDED") return "error.limit";
  if (err instanceof ApiError && err.code === "M_USER_DEACTIVATED") return "error.deactivated";
  if (err instanceof ApiError && err.status === 403) return "error.credentials";
  return "error.other";
}

export function SignInPage() {
  const { t } = useTranslation("signin");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useForm({ mode: "uncontrolled", initialValues: { user: "", password: "" } });
  const submit = form.onSubmit(async ({ user, password }) => {
    setBusy(true);
    setError("");
    try {
      await signIn(await signInWithPassword(user.trim(), password));
    } catch (err) {
      setError(reason(err));
      setBusy(false);
    }
  });
  return (
    <main className={classes.page}>
      <Paper className={classes.card} component="form" onSubmit={submit} withBorder p="xl" radius="lg">
        <Stack>
          <Title order={1} size="h2">
            {t("title")}
          </Title>
          {error && (
            <Alert color="red" role="alert">
              {t(error)}
            </Alert>
          )}
          <TextInput label={t("user")} autoComplete="username" autoCapitalize="none" required {...form.getInputProps("user")} />
          <PasswordInput
            label={t("password")}
            autoComplete="current-password"
            required
            visibilityToggleButtonProps={{ "aria-label": t("showPassword"), tabIndex: 0 }}
            {...form.getInputProps("password")}
          />
          <Button type="submit" loading={busy}>
            {t("signIn")}
          </Button>
        </Stack>
      </Paper>
    </main>
  );
}

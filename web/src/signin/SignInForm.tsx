import { Button, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { signIn } from "@/matrix/client.ts";
import { signInWithPassword } from "@/matrix/signin.ts";
import { Failure, PasswordField } from "./Fields.tsx";
import { reason } from "./reason.ts";

interface Props {
  /** The user who signs in again. */
  user?: string;
  /** The device that goes on; without it this browser becomes a new one. */
  deviceId?: string;
}

export function SignInForm({ user, deviceId }: Props) {
  const { t } = useTranslation("signin");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useForm({ mode: "uncontrolled", initialValues: { user: user ?? "", password: "" } });
  const submit = form.onSubmit(async (v) => {
    setBusy(true);
    setError("");
    try {
      await signIn(await signInWithPassword(user ?? v.user.trim(), v.password, deviceId), v.password);
    } catch (err) {
      setError(t(reason(err)));
      setBusy(false);
    }
  });
  return (
    <form onSubmit={submit}>
      <Stack>
        <Failure text={error} />
        <TextInput
          label={t("user")}
          autoComplete="username"
          autoCapitalize="none"
          readOnly={user !== undefined}
          required
          key={form.key("user")}
          {...form.getInputProps("user")}
        />
        <PasswordField label={t("password")} autoComplete="current-password" key={form.key("password")} {...form.getInputProps("password")} />
        <Button type="submit" loading={busy}>
          {t("signIn")}
        </Button>
      </Stack>
    </form>
  );
}

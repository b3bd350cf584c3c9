import { Alert, Button, Checkbox, PasswordInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { WrongPassword } from "@/matrix/confirm.ts";
import { changePassword } from "@/matrix/profile.ts";
import { errorText } from "@/ui/act.ts";
import { passwordProblem } from "./password.ts";
import { Section } from "./Section.tsx";

const empty = { now: "", next: "", again: "", endOthers: true };

export function PasswordSection() {
  const { t } = useTranslation("settings");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useForm({ initialValues: empty });
  const submit = form.onSubmit(async (v) => {
    setError("");
    const problem = passwordProblem(v.next, v.again);
    if (problem) {
      form.setFieldError(problem.field, t(problem.text));
      return;
    }
    setBusy(true);
    try {
      await changePassword(v.now, v.next, v.endOthers);
      form.setValues(empty);
      form.resetDirty();
      notifications.show({ message: t("password.done"), color: "teal", role: "status" });
    } catch (err) {
      if (err instanceof WrongPassword) form.setFieldError("now", t("wrongPassword"));
      else setError(errorText(err));
    }
    setBusy(false);
  });
  const eye = { "aria-label": t("showPassword"), tabIndex: 0 };
  return (
    <Section title={t("password.title")}>
      <form onSubmit={submit}>
        <Stack p="md" maw="26rem">
          {error && (
            <Alert color="red" role="alert">
              {error}
            </Alert>
          )}
          <PasswordInput label={t("password.now")} autoComplete="current-password" required visibilityToggleButtonProps={eye} {...form.getInputProps("now")} />
          <PasswordInput label={t("password.next")} autoComplete="new-password" required visibilityToggleButtonProps={eye} {...form.getInputProps("next")} />
          <PasswordInput label={t("password.again")} autoComplete="new-password" required visibilityToggleButtonProps={eye} {...form.getInputProps("again")} />
          <Checkbox label={t("password.endOthers")} description={t("password.endOthersText")} {...form.getInputProps("endOthers", { type: "checkbox" })} />
          <Button type="submit" loading={busy} style={{ alignSelf: "flex-start" }}>
            {t("password.change")}
          </Button>
        </Stack>
      </form>
    </Section>
  );
}

import { Alert, Button, Checkbox, Group, Modal, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/ui/act.ts";
import { addPerson } from "./api.ts";
import { nameProblem } from "./check.ts";
import { Secret } from "./Secret.tsx";

/** Makes an account; its password is made up unless it is given. */
export function AddPerson({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<{ id: string; password: string } | null>(null);
  const form = useForm({
    initialValues: { user: "", name: "", email: "", password: "", admin: false },
    validate: { user: (v) => (nameProblem(v.trim()) ? t("add.badName") : null) },
  });
  const submit = form.onSubmit(async (v) => {
    setBusy(true);
    setError("");
    try {
      const p = await addPerson({
        user_name: v.user.trim(),
        ...(v.name.trim() === "" ? {} : { display_name: v.name.trim() }),
        ...(v.email.trim() === "" ? {} : { email: v.email.trim() }),
        ...(v.password === "" ? {} : { password: v.password }),
        admin: v.admin,
      });
      await queries.invalidateQueries({ queryKey: ["admin"] });
      setMade({ id: p.user_id, password: p.password ?? "" });
    } catch (err) {
      setError(errorText(err));
    }
    setBusy(false);
  });
  return (
    <Modal opened onClose={onClose} title={t("add.title")} closeButtonProps={{ "aria-label": t("close") }} centered>
      {made ? (
        <Stack>
          <Text>{t("add.done", { id: made.id })}</Text>
          {made.password !== "" && (
            <>
              <Text size="sm">{t("add.once")}</Text>
              <Secret label={t("add.password")} value={made.password} />
            </>
          )}
          <Group justify="flex-end">
            <Button onClick={onClose}>{t("close")}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            {error && (
              <Alert color="red" role="alert">
                {error}
              </Alert>
            )}
            <TextInput label={t("add.user")} description={t("add.userText")} required data-autofocus autoComplete="off" autoCapitalize="none" {...form.getInputProps("user")} />
            <TextInput label={t("add.name")} autoComplete="off" {...form.getInputProps("name")} />
            <TextInput label={t("add.email")} type="email" autoComplete="off" {...form.getInputProps("email")} />
            <PasswordInput label={t("add.password")} description={t("add.passwordText")} autoComplete="new-password" visibilityToggleButtonProps={{ "aria-label": t("showPassword"), tabIndex: 0 }} {...form.getInputProps("password")} />
            <Checkbox label={t("add.admin")} description={t("add.adminText")} {...form.getInputProps("admin", { type: "checkbox" })} />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t("cancel")}
              </Button>
              <Button type="submit" loading={busy}>
                {t("add.do")}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

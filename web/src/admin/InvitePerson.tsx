import { Alert, Button, Center, Checkbox, Group, Modal, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/matrix/api.ts";
import { errorText } from "@/ui/act.ts";
import { invite } from "./api.ts";
import { nameProblem } from "./check.ts";
import { QrCode, Secret } from "./Secret.tsx";

/** Makes a link for one person, to be handed over as text, as QR code or by e-mail. */
export function InvitePerson({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<{ link: string; sent: boolean } | null>(null);
  const form = useForm({
    initialValues: { user: "", name: "", email: "", admin: false, days: 7, send: false },
    validate: { user: (v) => (v.trim() !== "" && nameProblem(v.trim()) ? t("add.badName") : null) },
  });
  const submit = form.onSubmit(async (v) => {
    setBusy(true);
    setError("");
    try {
      const text = { user_name: v.user.trim(), display_name: v.name.trim(), email: v.email.trim() };
      const given = Object.fromEntries(Object.entries(text).filter(([, value]) => value !== ""));
      const i = await invite({ ...given, admin: v.admin, days: v.days, send: v.send && v.email.trim() !== "" });
      await queries.invalidateQueries({ queryKey: ["admin", "invitations"] });
      setMade(i);
    } catch (err) {
      const known = err instanceof ApiError && (err.code === "CHAT.CONCLAVE.INVITED" || err.code === "CHAT.CONCLAVE.NO_MAIL");
      setError(known ? t(`invite.${err.code}`) : errorText(err));
    }
    setBusy(false);
  });
  return (
    <Modal opened onClose={onClose} title={t("invite.title")} closeButtonProps={{ "aria-label": t("close") }} centered>
      {made ? (
        <Stack>
          <Text>{made.sent ? t("invite.sent") : t("invite.done")}</Text>
          <Secret label={t("invite.link")} value={made.link} />
          <Center>
            <QrCode text={made.link} label={t("invite.qr")} />
          </Center>
          <Group justify="flex-end">
            <Button onClick={onClose}>{t("close")}</Button>
          </Group>
        </Stack>
      ) : (
        <form onSubmit={submit}>
          <Stack>
            <Text size="sm" c="var(--quiet)">
              {t("invite.text")}
            </Text>
            {error && (
              <Alert color="red" role="alert">
                {error}
              </Alert>
            )}
            <TextInput label={t("add.name")} data-autofocus autoComplete="off" {...form.getInputProps("name")} />
            <TextInput label={t("add.user")} description={t("invite.userText")} autoComplete="off" autoCapitalize="none" {...form.getInputProps("user")} />
            <TextInput label={t("add.email")} type="email" autoComplete="off" {...form.getInputProps("email")} />
            {form.values.email.trim() !== "" && <Checkbox label={t("invite.send")} {...form.getInputProps("send", { type: "checkbox" })} />}
            <NumberInput label={t("invite.days")} min={1} max={365} allowDecimal={false} {...form.getInputProps("days")} />
            <Checkbox label={t("add.admin")} description={t("add.adminText")} {...form.getInputProps("admin", { type: "checkbox" })} />
            <Group justify="flex-end">
              <Button variant="default" onClick={onClose}>
                {t("cancel")}
              </Button>
              <Button type="submit" loading={busy}>
                {t("invite.do")}
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Modal>
  );
}

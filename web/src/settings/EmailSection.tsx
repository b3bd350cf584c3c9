import { Alert, Button, Group, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { addEmail, type PendingEmail, removeEmail, requestEmail, useEmails } from "@/matrix/profile.ts";
import { useAct } from "@/ui/act.ts";
import { ConfirmPassword } from "./ConfirmPassword.tsx";
import { Row, Section } from "./Section.tsx";
import classes from "./Settings.module.css";

/** The account's e-mail addresses: with one, a forgotten password can be set anew. */
export function EmailSection() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const emails = useEmails(true).data ?? [];
  const { busy, act } = useAct();
  const [address, setAddress] = useState("");
  const [pending, setPending] = useState<PendingEmail | null>(null);
  const [confirming, setConfirming] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: ["emails"] });
  const ask = async (e: React.FormEvent) => {
    e.preventDefault();
    await act(async () => setPending(await requestEmail(address.trim())));
  };
  return (
    <Section title={t("email.title")} text={t("email.text")}>
      {emails.map((a) => (
        <Row key={a} label={a}>
          <Button
            variant="subtle"
            color="red"
            loading={busy}
            aria-label={t("email.removeOne", { address: a })}
            onClick={() =>
              void act(async () => {
                await removeEmail(a);
                await refresh();
              }, t("email.removed"))
            }
          >
            {t("email.remove")}
          </Button>
        </Row>
      ))}
      {pending ? (
        <Row label={pending.address} text={t("email.sent")}>
          <Group gap="xs">
            <Button variant="default" onClick={() => setPending(null)}>
              {t("cancel")}
            </Button>
            <Button onClick={() => setConfirming(true)}>{t("email.followed")}</Button>
          </Group>
        </Row>
      ) : (
        <form className={classes.row} onSubmit={(e) => void ask(e)}>
          <TextInput type="email" className={classes.about ?? ""} label={t("email.new")} autoComplete="email" value={address} onChange={(e) => setAddress(e.currentTarget.value)} />
          <Button type="submit" variant="default" loading={busy} disabled={!address.includes("@")} style={{ alignSelf: "flex-end" }}>
            {t("email.add")}
          </Button>
        </form>
      )}
      {emails.length === 0 && pending === null && (
        <Alert variant="transparent" color="gray" p="md">
          {t("email.none")}
        </Alert>
      )}
      {confirming && pending && (
        <ConfirmPassword
          title={t("email.confirm")}
          text={t("email.confirmText", { address: pending.address })}
          action={t("email.add")}
          onClose={() => setConfirming(false)}
          act={async (password) => {
            if (!(await addEmail(pending, password))) throw new Error(t("email.notYet"));
            setPending(null);
            setAddress("");
            await refresh();
          }}
        />
      )}
    </Section>
  );
}

import { Button, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Row, Section } from "@/settings/Section.tsx";
import { useAct } from "@/ui/act.ts";
import { addEmail, changePerson, type PersonDetails, removeEmail } from "./api.ts";
import classes from "./Admin.module.css";

/** Name and e-mail addresses of an account. */
export function PersonName({ p }: { p: PersonDetails }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [name, setName] = useState(p.display_name);
  const [email, setEmail] = useState("");
  if (p.deactivated) return null;
  const change = (what: () => Promise<unknown>, done: string) =>
    act(async () => {
      await what();
      await queries.invalidateQueries({ queryKey: ["admin"] });
    }, done);
  return (
    <Section title={t("person.who")}>
      <form
        className={classes.line}
        onSubmit={(e) => {
          e.preventDefault();
          void change(() => changePerson(p.user_id, { display_name: name.trim() }), t("person.nameSaved"));
        }}
      >
        <TextInput className={classes.grow ?? ""} label={t("add.name")} value={name} maxLength={128} autoComplete="off" onChange={(e) => setName(e.currentTarget.value)} />
        <Button type="submit" loading={busy} disabled={name.trim() === p.display_name || name.trim() === ""}>
          {t("save")}
        </Button>
      </form>
      {(p.emails ?? []).map((a) => (
        <Row key={a} label={a}>
          <Button variant="subtle" color="red" disabled={busy} aria-label={t("person.removeEmail", { address: a })} onClick={() => void change(() => removeEmail(p.user_id, a), t("person.emailRemoved"))}>
            {t("person.remove")}
          </Button>
        </Row>
      ))}
      <form
        className={classes.line}
        onSubmit={(e) => {
          e.preventDefault();
          void change(() => addEmail(p.user_id, email.trim()), t("person.emailAdded")).then((ok) => ok && setEmail(""));
        }}
      >
        <TextInput className={classes.grow ?? ""} type="email" label={t("person.newEmail")} description={t("person.newEmailText")} value={email} autoComplete="off" onChange={(e) => setEmail(e.currentTarget.value)} />
        <Button type="submit" variant="default" loading={busy} disabled={!email.includes("@")}>
          {t("person.add")}
        </Button>
      </form>
    </Section>
  );
}

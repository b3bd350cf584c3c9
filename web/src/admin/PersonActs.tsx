import { Button, Checkbox, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useClientState } from "@/matrix/client.ts";
import { Row, Section } from "@/settings/Section.tsx";
import { useAct } from "@/ui/act.ts";
import { changePerson, deactivatePerson, mark, type PersonDetails } from "./api.ts";
import { ResetPassword } from "./ResetPassword.tsx";
import { TypeName } from "./TypeName.tsx";
import { showUndo } from "./undo.tsx";

type Asked = "promote" | "deactivate" | "reset" | null;

/** What an administrator can do about an account. What can be undone is done at once, and offered to be undone. */
export function PersonActs({ p }: { p: PersonDetails }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const me = useClientState((s) => s.userId);
  const [asked, setAsked] = useState<Asked>(null);
  const [erase, setErase] = useState(false);
  const name = p.user_id.slice(1).split(":")[0] ?? "";
  const refresh = () => queries.invalidateQueries({ queryKey: ["admin"] });
  const close = () => setAsked(null);
  if (p.deactivated) {
    return (
      <Text c="var(--quiet)" my="xl">
        {t("acts.gone")}
      </Text>
    );
  }
  if (p.user_id === me) {
    return (
      <Text c="var(--quiet)" my="xl">
        {t("acts.self")}
      </Text>
    );
  }
  const undoable = async (what: () => Promise<unknown>, undo: () => Promise<unknown>, done: string) => {
    const ok = await act(async () => {
      await what();
      await refresh();
    });
    if (ok) showUndo(done, () => act(() => undo().then(refresh)));
  };
  const set = (verb: "lock" | "unlock" | "suspend" | "unsuspend", back: typeof verb) =>
    void undoable(
      () => mark(p.user_id, verb),
      () => mark(p.user_id, back),
      t(`acts.done.${verb}`, { name }),
    );
  return (
    <Section title={t("acts.title")}>
      <Row label={t("acts.password")} text={t("acts.passwordText")}>
        <Button variant="default" onClick={() => setAsked("reset")}>
          {t("acts.password")}
        </Button>
      </Row>
      <Row label={t("acts.suspend")} text={t("acts.suspendText")}>
        <Button variant="default" disabled={busy || p.admin} onClick={() => (p.suspended ? set("unsuspend", "suspend") : set("suspend", "unsuspend"))}>
          {p.suspended ? t("acts.unsuspend") : t("acts.suspend")}
        </Button>
      </Row>
      <Row label={t("acts.lock")} text={t("acts.lockText")}>
        <Button variant="default" disabled={busy || p.admin} onClick={() => (p.locked ? set("unlock", "lock") : set("lock", "unlock"))}>
          {p.locked ? t("acts.unlock") : t("acts.lock")}
        </Button>
      </Row>
      <Row label={t("acts.role")} text={p.admin ? t("acts.demoteText") : t("acts.promoteText")}>
        {p.admin ? (
          <Button
            variant="default"
            disabled={busy}
            onClick={() =>
              void undoable(
                () => changePerson(p.user_id, { admin: false }),
                () => changePerson(p.user_id, { admin: true }),
                t("acts.done.demote", { name }),
              )
            }
          >
            {t("acts.demote")}
          </Button>
        ) : (
          <Button variant="default" onClick={() => setAsked("promote")}>
            {t("acts.promote")}
          </Button>
        )}
      </Row>
      <Row label={t("acts.deactivate")} text={t("acts.deactivateText")}>
        <Button variant="outline" color="red" onClick={() => setAsked("deactivate")}>
          {t("acts.deactivateDots")}
        </Button>
      </Row>
      {asked === "reset" && <ResetPassword p={p} onClose={close} />}
      {asked === "promote" && (
        <TypeName
          title={t("acts.promote")}
          text={t("acts.promoteWarning")}
          action={t("acts.promote")}
          name={name}
          onClose={close}
          act={async () => {
            await changePerson(p.user_id, { admin: true });
            await refresh();
          }}
        />
      )}
      {asked === "deactivate" && (
        <TypeName
          title={t("acts.deactivate")}
          text={t("acts.deactivateWarning")}
          action={t("acts.deactivate")}
          name={name}
          onClose={close}
          act={async () => {
            await deactivatePerson(p.user_id, erase);
            await refresh();
          }}
        >
          <Checkbox label={t("acts.erase")} checked={erase} onChange={(e) => setErase(e.currentTarget.checked)} />
        </TypeName>
      )}
    </Section>
  );
}

import { Button, Loader, Stack, Text, TextInput } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { signIn, useClientState } from "@/matrix/client.ts";
import type { Session } from "@/matrix/session.ts";
import { acceptInvitation, acceptWelcome, type Enrolment, lookAtInvitation, lookAtWelcome } from "@/matrix/signin-enrol.ts";
import { Card } from "./Card.tsx";
import { Failure, PasswordField } from "./Fields.tsx";
import { reason } from "./reason.ts";

type Kind = "welcome" | "invite";

/** An invited person's first page: name and password, then the chats. */
export function InvitePage() {
  return <EnrolPage kind="invite" token={useParams({ strict: false }).token ?? ""} />;
}

/** The first administrator's first page: also the organisation gets its name. */
export function WelcomePage() {
  return <EnrolPage kind="welcome" token={useParams({ strict: false }).token ?? ""} />;
}

function EnrolPage({ kind, token }: { kind: Kind; token: string }) {
  const { t } = useTranslation("signin");
  const signedIn = useClientState((s) => s.userId);
  const { data, error } = useQuery({ queryKey: ["enrol", kind, token], queryFn: () => (kind === "welcome" ? lookAtWelcome(token) : lookAtInvitation(token)), staleTime: Infinity });
  if (error) return <Card title={t("enrol.title")}>{<Failure text={t(reason(error))} />}</Card>;
  if (data === undefined) return <Card title={t("enrol.title")}>{<Loader />}</Card>;
  const home = (
    <Button component="a" href="/" variant="light">
      {t("enrol.home")}
    </Button>
  );
  if (data === null) return <Card title={t("enrol.overTitle")} text={t(`enrol.over.${kind}`)}>{home}</Card>;
  if (signedIn) return <Card title={t("enrol.signedInTitle")} text={t("enrol.signedIn", { user: signedIn })}>{home}</Card>;
  return <EnrolForm kind={kind} token={token} offer={data} />;
}

function EnrolForm({ kind, token, offer }: { kind: Kind; token: string; offer: Enrolment }) {
  const { t } = useTranslation("signin");
  const navigate = useNavigate();
  const [organisation, setOrganisation] = useState(offer.organisation);
  const [user, setUser] = useState(offer.userName);
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const fixed = kind === "invite" && offer.userName !== "";
  const accept = (): Promise<Session> => (kind === "welcome" ? acceptWelcome(token, user.trim(), password, organisation.trim()) : acceptInvitation(token, user.trim(), password));
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const short = [...password].length < offer.minPassword;
    if (short || password !== again) {
      setError(short ? t("enrol.short", { count: offer.minPassword }) : t("enrol.differ"));
      return;
    }
    setBusy(true);
    setError("");
    try {
      await signIn(await accept(), password);
      await navigate({ to: kind === "welcome" ? "/invite-people" : "/", replace: true });
    } catch (err) {
      setError(t(reason(err)));
      setBusy(false);
    }
  };
  const name = offer.organisation || offer.serverName;
  return (
    <Card title={t(`enrol.${kind}.title`, { name })} text={t(`enrol.${kind}.text`, { name })}>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <Failure text={error} />
          {kind === "welcome" && <TextInput label={t("enrol.organisation")} autoComplete="organization" required value={organisation} onChange={(e) => setOrganisation(e.currentTarget.value)} />}
          <TextInput
            label={t("enrol.user")}
            description={t("enrol.userText", { server: offer.serverName })}
            autoComplete="username"
            autoCapitalize="none"
            readOnly={fixed}
            required
            value={user}
            onChange={(e) => setUser(e.currentTarget.value)}
          />
          <PasswordField label={t("enrol.password")} description={t("enrol.passwordText", { count: offer.minPassword })} autoComplete="new-password" value={password} onChange={(e) => setPassword(e.currentTarget.value)} />
          <PasswordField label={t("enrol.again")} autoComplete="new-password" value={again} onChange={(e) => setAgain(e.currentTarget.value)} />
          <Text size="sm" c="var(--quiet)">
            {t("enrol.encrypted")}
          </Text>
          <Button type="submit" loading={busy}>
            {t(`enrol.${kind}.action`)}
          </Button>
        </Stack>
      </form>
    </Card>
  );
}

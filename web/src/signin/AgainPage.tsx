import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { erase, signOut } from "@/matrix/client.ts";
import { keptSession } from "@/matrix/session.ts";
import { Card } from "./Card.tsx";
import { SignInForm } from "./SignInForm.tsx";

/** The same device goes on after its password: nothing of what it keeps is lost. */
export function AgainPage() {
  const { t } = useTranslation("signin");
  const kept = keptSession();
  return (
    <Card title={t("again.title")} text={t("again.text")}>
      {kept && <SignInForm user={kept.userId} deviceId={kept.deviceId} />}
      <Button variant="subtle" onClick={() => void erase("signed-out")}>
        {t("again.other")}
      </Button>
    </Card>
  );
}

/** The browser deleted this device's keys: it becomes a new device. */
export function LostPage() {
  const { t } = useTranslation("signin");
  const kept = keptSession();
  return (
    <Card title={t("lost.title")} text={t("lost.text")}>
      {kept && <SignInForm user={kept.userId} />}
      <Button variant="subtle" onClick={() => void signOut()}>
        {t("again.other")}
      </Button>
    </Card>
  );
}

import { Button } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Card } from "./Card.tsx";
import { SignInForm } from "./SignInForm.tsx";

const ForgottenPassword = lazy(async () => ({ default: (await import("./ForgottenPassword.tsx")).ForgottenPassword }));

export function SignInPage() {
  const { t } = useTranslation("signin");
  const [forgotten, setForgotten] = useState(false);
  if (forgotten) {
    return (
      <Suspense>
        <ForgottenPassword onBack={() => setForgotten(false)} />
      </Suspense>
    );
  }
  return (
    <Card title={t("title")}>
      <SignInForm />
      <Button variant="subtle" onClick={() => setForgotten(true)}>
        {t("forgotten.link")}
      </Button>
    </Card>
  );
}

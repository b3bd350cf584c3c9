import { Button, Text } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Row, Section } from "./Section.tsx";

const Licences = lazy(() => import("./Licences.tsx"));

export function AboutPage() {
  const { t } = useTranslation("settings");
  const [shown, setShown] = useState(false);
  return (
    <>
      <Section title="Conclave">
        <Row label={t("about.what")} text={t("about.whatText")} />
        <Row label={t("about.licence")}>
          <Text>Apache License 2.0</Text>
        </Row>
      </Section>
      <Section title={t("about.parts")} text={t("about.partsText")}>
        {shown ? (
          <Suspense fallback={<Text p="md">{t("loading")}</Text>}>
            <Licences />
          </Suspense>
        ) : (
          <Row label={t("about.list")}>
            <Button variant="default" onClick={() => setShown(true)}>
              {t("about.show")}
            </Button>
          </Row>
        )}
      </Section>
    </>
  );
}

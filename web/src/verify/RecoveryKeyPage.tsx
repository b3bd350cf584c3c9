import { Button, Stack, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { recoveryKeyKept } from "@/matrix/encryption.ts";
import { RecoveryKeyCard } from "./RecoveryKeyCard.tsx";
import classes from "./verify.module.css";

/** The end of the set-up: the one moment at which the recovery key is shown. */
export function RecoveryKeyPage({ recoveryKey }: { recoveryKey: string }) {
  const { t } = useTranslation("verify");
  return (
    <main className={classes.page}>
      <Stack className={classes.card}>
        <Title order={1} size="h2">
          {t("key.title")}
        </Title>
        <Text>{t("key.text")}</Text>
        <RecoveryKeyCard recoveryKey={recoveryKey} />
        <Button onClick={() => void recoveryKeyKept()}>{t("key.kept")}</Button>
      </Stack>
    </main>
  );
}

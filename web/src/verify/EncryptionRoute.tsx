import { Stack, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Back } from "@/rooms/Back.tsx";
import { EncryptionPage } from "./EncryptionPage.tsx";
import classes from "./verify.module.css";

/** The encryption settings as a page of their own. */
export function EncryptionRoute() {
  const { t } = useTranslation("verify");
  return (
    <main className={classes.settings}>
      <Stack gap="lg">
        <Title order={1} size="h2">
          <Back /> {t("page.title")}
        </Title>
        <EncryptionPage />
      </Stack>
    </main>
  );
}

import { Button, Stack } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { PersonDevices, VerifyPersonButton } from "./VerifyPersonButton.tsx";

/** Whether a person is verified, and on demand the devices that they use. */
export function PersonKeys({ userId }: { userId: string }) {
  const { t } = useTranslation("verify");
  const [open, setOpen] = useState(false);
  return (
    <Stack component="section" gap="sm" align="flex-start" aria-label={t("person.title")}>
      <VerifyPersonButton userId={userId} />
      <Button variant="subtle" size="compact-sm" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t("person.devices")}
      </Button>
      {open && <PersonDevices userId={userId} />}
    </Stack>
  );
}

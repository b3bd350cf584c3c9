import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { signOut } from "@/matrix/client.ts";

/** Asks once before this device's keys are erased. */
export function SignOut({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const go = () => {
    onClose();
    void signOut();
  };
  return (
    <Modal opened onClose={onClose} title={t("signOut.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text>{t("signOut.help")}</Text>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button color="red" onClick={go} data-autofocus>
            {t("me.signOut")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

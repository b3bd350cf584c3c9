import { Button, Group, Modal, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** Says what signing out means before it happens: this browser forgets its keys. */
export function EndEverywhere({ title, busy, act, onClose }: { title: string; busy: boolean; act: () => void; onClose: () => void }) {
  const { t } = useTranslation("settings");
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("cancel") }} centered>
      <Text>{t("leave.warning")}</Text>
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose} data-autofocus>
          {t("cancel")}
        </Button>
        <Button color="red" loading={busy} onClick={act}>
          {title}
        </Button>
      </Group>
    </Modal>
  );
}

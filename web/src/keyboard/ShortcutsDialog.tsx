import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ShortcutList } from "./ShortcutList.tsx";

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("keyboard");
  return (
    <Modal opened onClose={onClose} title={t("title")} closeButtonProps={{ "aria-label": t("close") }} size="xl" centered>
      <ShortcutList order={3} />
    </Modal>
  );
}

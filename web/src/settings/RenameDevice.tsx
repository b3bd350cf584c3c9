import { Button, Group, Modal, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Device, renameDevice } from "@/matrix/devices.ts";
import { useAct } from "@/ui/act.ts";

export function RenameDevice({ device, onClose }: { device: Device; onClose: () => void }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [name, setName] = useState(device.name);
  const submit = async (e: React.FormEvent) => {
    e.preventDefault();
    const ok = await act(async () => {
      await renameDevice(device.id, name.trim());
      await queries.invalidateQueries({ queryKey: ["own devices"] });
    });
    if (ok) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("devices.rename")} closeButtonProps={{ "aria-label": t("cancel") }} centered>
      <form onSubmit={(e) => void submit(e)}>
        <TextInput label={t("devices.name")} description={t("devices.nameText")} value={name} maxLength={100} data-autofocus onChange={(e) => setName(e.currentTarget.value)} />
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit" loading={busy} disabled={name.trim() === ""}>
            {t("save")}
          </Button>
        </Group>
      </form>
    </Modal>
  );
}

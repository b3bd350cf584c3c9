import { Button, Group, List, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useRoomHead } from "@/matrix/room.ts";
import { newestVersion, upgrade } from "@/matrix/roomsettings.ts";
import { useAct } from "@/ui/act.ts";

/** Moves a room to a newer version, after saying what that means. */
export function Upgrade({ roomId, onClose }: { roomId: string; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  const { data: version } = useQuery({ queryKey: ["newest-version"], queryFn: newestVersion });
  const navigate = useNavigate();
  const { busy, act } = useAct();
  const go = () =>
    act(async () => {
      const next = await upgrade(roomId, version ?? "");
      onClose();
      await navigate({ to: "/room/$roomId", params: { roomId: next } });
    });
  return (
    <Modal opened onClose={onClose} title={t("upgrade.title", { name: head.name })} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text>{t("upgrade.versions", { from: head.version, to: version ?? "…" })}</Text>
        <List spacing="xs">
          <List.Item>{t("upgrade.new")}</List.Item>
          <List.Item>{t("upgrade.people")}</List.Item>
          <List.Item>{t("upgrade.old")}</List.Item>
          <List.Item>{t("upgrade.final")}</List.Item>
        </List>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button loading={busy} disabled={!version} onClick={() => void go()}>
            {t("upgrade.go")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

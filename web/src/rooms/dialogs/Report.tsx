import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRoomHead } from "@/matrix/room.ts";
import { reportRoom } from "@/matrix/roomsettings.ts";
import { useAct } from "@/ui/act.ts";

/** Tells the administration about a room. */
export function Report({ roomId, onClose }: { roomId: string; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  const [reason, setReason] = useState("");
  const { busy, act } = useAct();
  const send = async () => {
    if (await act(() => reportRoom(roomId, reason.trim()), t("report.sent"))) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("report.title", { name: head.name })} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text>{t("report.help")}</Text>
        <Textarea label={t("report.reason")} autosize minRows={3} data-autofocus value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        <Group justify="flex-end">
          <Button color="red" loading={busy} disabled={reason.trim() === ""} onClick={() => void send()}>
            {t("report.send")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

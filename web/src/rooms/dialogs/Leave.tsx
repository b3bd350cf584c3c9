import { Alert, Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { leave } from "@/matrix/directory.ts";
import { isLastAdmin, useMembers } from "@/matrix/members.ts";
import { myId } from "@/matrix/people.ts";
import { useRoomHead } from "@/matrix/room.ts";
import { useAct } from "@/ui/act.ts";

/** Leaves a room, declines an invitation or takes a request back. */
export function Leave({ roomId, onClose }: { roomId: string; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  const members = useMembers(roomId);
  const shown = useParams({ strict: false }).roomId;
  const navigate = useNavigate();
  const { busy, act } = useAct();
  const kind = head.standing === "invite" ? "decline" : head.standing === "knock" ? "withdraw" : "leave";
  const alone = head.standing === "join" && head.members === 1;
  const go = () =>
    act(async () => {
      await leave(roomId);
      onClose();
      if (shown === roomId) await navigate({ to: "/" });
    });
  return (
    <Modal opened onClose={onClose} title={t(`leave.${kind}`, { name: head.name })} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text>{kind !== "leave" ? t(`leave.${kind}Help`) : head.joinRule === "public" ? t("leave.comeBack") : t("leave.needsInvitation")}</Text>
        {isLastAdmin(members, myId()) && <Alert color="orange">{t("leave.lastAdmin")}</Alert>}
        {alone && <Alert color="orange">{t("leave.lastMember")}</Alert>}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button color="red" loading={busy} onClick={() => void go()} data-autofocus>
            {t(`menu.${kind}`)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

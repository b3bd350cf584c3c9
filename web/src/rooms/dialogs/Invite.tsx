import { Alert, Button, Group, Modal, Stack } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { invite, useMembers } from "@/matrix/members.ts";
import type { Person } from "@/matrix/people.ts";
import { useRoomHead } from "@/matrix/room.ts";
import { PeoplePicker } from "../PeoplePicker.tsx";

/** Asks people into a room. */
export function Invite({ roomId, onClose }: { roomId: string; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  const members = useMembers(roomId);
  const [people, setPeople] = useState<Person[]>([]);
  const [refused, setRefused] = useState<{ id: string; reason: string }[]>([]);
  const [busy, setBusy] = useState(false);
  const there = new Set(members.filter((m) => m.membership === "join" || m.membership === "invite").map((m) => m.id));
  const send = async () => {
    setBusy(true);
    const no = await invite(roomId, people.map((p) => p.id));
    setBusy(false);
    setRefused(no);
    setPeople(people.filter((p) => no.some((r) => r.id === p.id)));
    if (no.length > 0) return;
    notifications.show({ message: t("invite.sent", { count: people.length }), closeButtonProps: { "aria-label": t("close") } });
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("invite.title", { name: head.name })} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <PeoplePicker chosen={people} onChange={setPeople} without={there} />
        {refused.map((r) => (
          <Alert key={r.id} color="red" role="alert">
            {t("invite.refused", { name: r.id, reason: r.reason })}
          </Alert>
        ))}
        <Group justify="flex-end">
          <Button disabled={people.length === 0} loading={busy} onClick={() => void send()}>
            {t("invite.send")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

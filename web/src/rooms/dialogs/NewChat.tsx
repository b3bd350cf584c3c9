import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { startChat } from "@/matrix/create.ts";
import type { Person } from "@/matrix/people.ts";
import { useAct } from "@/ui/act.ts";
import { PeoplePicker } from "../PeoplePicker.tsx";

/** Begins to talk: with one person where the last chat with them is, with several in a new group. */
export function NewChat({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const [people, setPeople] = useState<Person[]>([]);
  const [name, setName] = useState("");
  const { busy, act } = useAct();
  const navigate = useNavigate();
  const start = () =>
    act(async () => {
      const roomId = await startChat(people.map((p) => p.id), people.length > 1 ? name.trim() : "");
      onClose();
      await navigate({ to: "/room/$roomId", params: { roomId } });
    });
  return (
    <Modal opened onClose={onClose} title={t("new.chat")} closeButtonProps={{ "aria-label": t("close") }} size="md">
      <Stack>
        <PeoplePicker chosen={people} onChange={setPeople} />
        {people.length > 1 && <TextInput label={t("new.groupName")} placeholder={people.map((p) => p.name).join(", ")} value={name} onChange={(e) => setName(e.currentTarget.value)} />}
        <Group justify="flex-end">
          <Button disabled={people.length === 0} loading={busy} onClick={() => void start()}>
            {people.length > 1 ? t("new.startGroup") : t("new.start")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

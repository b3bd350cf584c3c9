import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteMessage } from "@/matrix/relations.ts";
import type { Place } from "@/matrix/timeline.ts";
import { tell } from "./acts.ts";
import { closeOverlay } from "./state.ts";

export function DeleteDialog({ place, id, mine }: { place: Place; id: string; mine: boolean }) {
  const { t } = useTranslation("timeline");
  const [reason, setReason] = useState("");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    closeOverlay();
    void tell(deleteMessage(place.roomId, id, reason.trim()), t);
  };
  return (
    <Modal opened onClose={closeOverlay} title={t("delete.title")} centered>
      <Stack component="form" onSubmit={submit}>
        <Text size="sm">{t(mine ? "delete.own" : "delete.other")}</Text>
        <TextInput label={t("delete.reason")} value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={300} data-autofocus />
        <Group justify="flex-end">
          <Button variant="default" onClick={closeOverlay}>
            {t("cancel")}
          </Button>
          <Button type="submit" color="red">
            {t("act.delete")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

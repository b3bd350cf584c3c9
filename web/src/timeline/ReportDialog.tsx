import { Button, Group, Modal, Stack, Text, Textarea } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { report } from "@/matrix/messageActions.ts";
import type { Place } from "@/matrix/timeline.ts";
import { tell } from "./acts.ts";
import { closeOverlay } from "./state.ts";

export function ReportDialog({ place, id }: { place: Place; id: string }) {
  const { t } = useTranslation("timeline");
  const [reason, setReason] = useState("");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    closeOverlay();
    void tell(report(place.roomId, id, reason.trim()), t, t("report.done"));
  };
  return (
    <Modal opened onClose={closeOverlay} title={t("report.title")} centered>
      <Stack component="form" onSubmit={submit}>
        <Text size="sm">{t("report.text")}</Text>
        <Textarea label={t("report.reason")} value={reason} onChange={(e) => setReason(e.currentTarget.value)} maxLength={500} autosize minRows={2} data-autofocus />
        <Group justify="flex-end">
          <Button variant="default" onClick={closeOverlay}>
            {t("cancel")}
          </Button>
          <Button type="submit" disabled={reason.trim() === ""}>
            {t("report.send")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

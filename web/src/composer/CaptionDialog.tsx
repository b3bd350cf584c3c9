import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { fileOf } from "@/matrix/file.ts";
import { type OutboxEntry, revise } from "@/matrix/outbox.ts";

/** Changes what is said under a file that was refused, and sends it again: it need not be uploaded once more. */
export function CaptionDialog({ entry, onClose }: { entry: OutboxEntry; onClose: () => void }) {
  const { t } = useTranslation("composer");
  const file = fileOf(entry.type, entry.content);
  const [caption, setCaption] = useState(file?.caption ?? "");
  const send = () => {
    void revise(entry, { ...entry.content, body: caption.trim() || file?.name });
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("caption.title", { name: file?.name ?? "" })} closeButtonProps={{ "aria-label": t("close") }} centered>
      <Stack component="form" onSubmit={(e: React.FormEvent) => (e.preventDefault(), send())}>
        <Text size="sm" c="var(--mention)">
          {entry.error?.message}
        </Text>
        <TextInput label={t("attach.captionHint")} value={caption} onChange={(e) => setCaption(e.currentTarget.value)} data-autofocus />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button type="submit">{t("caption.send")}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ownPresence, setOwnPresence } from "@/matrix/presence.ts";
import { setStatus, useProfile } from "@/matrix/profile.ts";
import { useAct } from "@/ui/act.ts";

/** The user's own words about what they are doing. */
export function Status({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const { data, refetch } = useProfile();
  const status = data?.status ?? "";
  const [text, setText] = useState(status);
  const { busy, act } = useAct();
  const save = async (words: string) => {
    // In the profile it stays; with the presence other clients show it too.
    const done = await act(async () => {
      await setStatus(words);
      await setOwnPresence(ownPresence(), words);
      await refetch();
    });
    if (done) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("presence.setStatus")} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack component="form" onSubmit={(e: FormEvent) => (e.preventDefault(), void save(text.trim()))}>
        <TextInput label={t("presence.status")} placeholder={t("presence.statusHint")} maxLength={120} data-autofocus value={text} onChange={(e) => setText(e.currentTarget.value)} />
        <Group justify="flex-end">
          {status && (
            <Button variant="default" onClick={() => void save("")}>
              {t("presence.clear")}
            </Button>
          )}
          <Button type="submit" loading={busy}>
            {t("save")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

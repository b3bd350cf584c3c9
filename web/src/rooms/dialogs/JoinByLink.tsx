import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { startChat } from "@/matrix/create.ts";
import { type Outside, readTarget, summary, type Target } from "@/matrix/directory.ts";
import { homeServer } from "@/matrix/people.ts";
import { useAct } from "@/ui/act.ts";
import { OutsideCard } from "../OutsideCard.tsx";

/** Finds a room by its address or a link to it. */
export function JoinByLink({ text, onClose }: { text: string; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const [typed, setTyped] = useState(text);
  const [wrong, setWrong] = useState(false);
  const [found, setFound] = useState<{ room: Outside; target: Target } | null>(null);
  const { busy, act } = useAct();
  const navigate = useNavigate();
  const look = (e: FormEvent) => {
    e.preventDefault();
    const s = typed.trim();
    const target = readTarget(/^[a-z0-9._=/-]+$/i.test(s) && !s.includes("://") ? `#${s}:${homeServer()}` : s);
    setWrong(target === null);
    setFound(null);
    if (target === null) return;
    void act(async () => {
      if (target.kind === "person") {
        const roomId = await startChat([target.id]);
        onClose();
        await navigate({ to: "/room/$roomId", params: { roomId } });
        return;
      }
      setFound({ room: await summary(target.id, target.via), target });
    });
  };
  return (
    <Modal opened onClose={onClose} title={t("join.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <form onSubmit={look}>
          <Group align="flex-end" wrap="nowrap">
            <TextInput
              flex={1}
              label={t("join.label")}
              placeholder={`#team:${homeServer()}`}
              data-autofocus
              value={typed}
              error={wrong ? t("join.wrong") : null}
              onChange={(e) => setTyped(e.currentTarget.value)}
            />
            <Button type="submit" loading={busy} disabled={typed.trim() === ""}>
              {t("join.look")}
            </Button>
          </Group>
        </form>
        {found ? <OutsideCard room={found.room} via={found.target.via} onDone={onClose} /> : <Text size="sm" c="var(--quiet)">{t("join.help")}</Text>}
      </Stack>
    </Modal>
  );
}

import { Button, Group, Modal, Radio, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Powers } from "@/matrix/members.ts";
import type { RoomHead } from "@/matrix/room.ts";
import { encrypt, setHistory } from "@/matrix/roomsettings.ts";
import { useAct } from "@/ui/act.ts";
import { Fact } from "./Fact.tsx";

const choices = ["joined", "invited", "shared", "world_readable"] as const;

/** Who may read what was said before, and whether what is said is encrypted. */
export function Privacy({ roomId, head, powers }: { roomId: string; head: RoomHead; powers: Powers }) {
  const { t } = useTranslation("rooms");
  const { busy, act } = useAct();
  const [asking, setAsking] = useState(false);
  // The whole world reads only rooms that are open and not encrypted.
  const shown = choices.filter((c) => c !== "world_readable" || head.history === c || (head.joinRule === "public" && !head.encrypted));
  return (
    <Stack>
      {powers.history ? (
        <Radio.Group label={t("history.title")} value={head.history} onChange={(v) => void act(() => setHistory(roomId, v), t("saved"))}>
          <Stack gap="xs" mt={6}>
            {shown.map((c) => (
              <Radio key={c} value={c} disabled={busy} label={t(`history.${c}`)} />
            ))}
          </Stack>
        </Radio.Group>
      ) : (
        <Fact label={t("history.title")}>{t(`history.${choices.find((c) => c === head.history) ?? "shared"}`)}</Fact>
      )}
      {!head.space && (
        <div>
          <Fact label={t("encryption.title")}>{head.encrypted ? t("encryption.onHelp") : t("encryption.offHelp")}</Fact>
          {!head.encrypted && powers.encryption && (
            <Button size="xs" mt={6} onClick={() => setAsking(true)}>
              {t("encryption.turnOn")}
            </Button>
          )}
        </div>
      )}
      <Modal opened={asking} onClose={() => setAsking(false)} title={t("encryption.turnOn")} closeButtonProps={{ "aria-label": t("close") }}>
        <Text>{t("encryption.forEver")}</Text>
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setAsking(false)}>
            {t("cancel")}
          </Button>
          <Button
            loading={busy}
            onClick={() =>
              void act(async () => {
                await encrypt(roomId);
                setAsking(false);
              })
            }
          >
            {t("encryption.turnOn")}
          </Button>
        </Group>
      </Modal>
    </Stack>
  );
}

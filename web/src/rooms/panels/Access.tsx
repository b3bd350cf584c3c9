import { Checkbox, Radio, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Access as Who } from "@/matrix/create.ts";
import type { Powers } from "@/matrix/members.ts";
import type { RoomHead } from "@/matrix/room.ts";
import { isListed, setAccess, setListed } from "@/matrix/roomsettings.ts";
import { flat, useSpaces } from "@/matrix/spaces.ts";
import { useAct } from "@/ui/act.ts";
import { Fact } from "./Fact.tsx";

const choices: readonly Who[] = ["invite", "knock", "restricted", "public"];

/** Who may come into a room, and whether it stands in the directory. */
export function Access({ roomId, head, powers }: { roomId: string; head: RoomHead; powers: Powers }) {
  const { t } = useTranslation("rooms");
  const { busy, act } = useAct();
  const spaces = flat(useSpaces());
  const parents = spaces.filter((s) => s.space.rooms.has(roomId)).map((s) => s.space);
  const { data: listed, refetch } = useQuery({ queryKey: ["listed", roomId], queryFn: () => isListed(roomId) });
  const rule = head.joinRule === "knock_restricted" ? "restricted" : head.joinRule;
  const allowed = head.joinSpaces.length > 0 ? head.joinSpaces : [...new Set(parents.map((p) => p.id))];
  const names = [...new Set(allowed.map((id) => spaces.find((s) => s.space.id === id)?.space.name ?? id))].join(", ");
  const shown = choices.filter((c) => c === rule || (head.direct === null && (c !== "restricted" || allowed.length > 0)));
  const help = (c: Who) => (c === "restricted" && names ? t("access.restrictedOf", { names }) : t(`access.${c}Help`));
  const chosen = choices.find((c) => c === rule);
  return (
    <Stack gap="sm">
      {!powers.joinRule && (
        <Fact label={t("access.title")} help={chosen && help(chosen)}>
          {chosen ? t(`access.${chosen}`) : rule}
        </Fact>
      )}
      {powers.joinRule && (
        <Radio.Group label={t("access.title")} value={rule} onChange={(v) => void act(() => setAccess(roomId, v as Who, allowed), t("saved"))}>
          <Stack gap="xs" mt={6}>
            {shown.map((c) => (
              <Radio key={c} value={c} disabled={busy} label={t(`access.${c}`)} description={help(c)} />
            ))}
          </Stack>
        </Radio.Group>
      )}
      {head.joinRule !== "invite" && !powers.alias && listed !== undefined && <Text size="sm">{listed ? t("access.isListed") : t("access.notListed")}</Text>}
      {head.joinRule !== "invite" && powers.alias && (
        <Checkbox
          label={t("access.listed")}
          disabled={busy || listed === undefined}
          checked={listed ?? false}
          onChange={(e) => {
            const on = e.currentTarget.checked;
            void act(async () => {
              await setListed(roomId, on);
              await refetch();
            });
          }}
        />
      )}
    </Stack>
  );
}

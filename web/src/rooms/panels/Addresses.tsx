import { ActionIcon, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { aliasFor } from "@/matrix/create.ts";
import { homeServer } from "@/matrix/people.ts";
import type { RoomHead } from "@/matrix/room.ts";
import { addAddress, addresses, removeAddress, setMainAddress } from "@/matrix/roomsettings.ts";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";

/** The addresses by which a room is found, and which of them is the main one. */
export function Addresses({ roomId, head, may }: { roomId: string; head: RoomHead; may: boolean }) {
  const { t } = useTranslation("rooms");
  const [local, setLocal] = useState("");
  const { busy, act } = useAct();
  const { data, refetch } = useQuery({ queryKey: ["addresses", roomId, head.alias, head.altAliases.length], queryFn: () => addresses(roomId), enabled: head.direct === null });
  if (head.direct !== null) return null;
  const all = [...new Set([...(head.alias ? [head.alias] : []), ...head.altAliases, ...(data ?? [])])];
  if (all.length === 0 && !may) return null;
  const add = (e: FormEvent) => {
    e.preventDefault();
    void act(async () => {
      await addAddress(roomId, local);
      setLocal("");
      await refetch();
    });
  };
  return (
    <Stack gap="xs">
      <Text size="sm" fw={500}>
        {t("address.title")}
      </Text>
      {all.map((a) => (
        <Group key={a} gap="xs" wrap="nowrap">
          <Text size="sm" truncate flex={1}>
            {a}
          </Text>
          {a === head.alias ? (
            <Text size="xs" c="var(--quiet)">
              {t("address.main")}
            </Text>
          ) : (
            may && (
              <Button variant="subtle" size="compact-xs" disabled={busy} onClick={() => void act(() => setMainAddress(roomId, a))}>
                {t("address.makeMain")}
              </Button>
            )
          )}
          {may && (
            <ActionIcon
              variant="subtle"
              color="gray"
              c="var(--quiet)"
              aria-label={t("address.remove", { address: a })}
              onClick={() =>
                void act(async () => {
                  await removeAddress(roomId, a);
                  await refetch();
                })
              }
            >
              <Icon name="close" size={16} />
            </ActionIcon>
          )}
        </Group>
      ))}
      {may && (
        <Group component="form" gap="xs" wrap="nowrap" align="flex-end" onSubmit={add}>
          <TextInput flex={1} size="xs" label={t("address.new")} description={`#${local || "…"}:${homeServer()}`} value={local} onChange={(e) => setLocal(aliasFor(e.currentTarget.value) + (/[-_ ]$/.test(e.currentTarget.value) ? "-" : ""))} />
          <Button type="submit" size="xs" variant="default" loading={busy} disabled={local === ""}>
            {t("address.add")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

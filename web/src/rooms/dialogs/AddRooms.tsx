import { Button, Group, Modal, Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useRoomHead } from "@/matrix/room.ts";
import { useRoomRows } from "@/matrix/rooms.ts";
import { addToSpace, flat, useSpaces } from "@/matrix/spaces.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { fit } from "../fuzzy.ts";
import { Icon } from "@/ui/Icon.tsx";
import classes from "../Dialogs.module.css";

/** Puts rooms and spaces that the user is in into a space. */
export function AddRooms({ spaceId, onClose }: { spaceId: string; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(spaceId);
  const rows = useRoomRows();
  const spaces = flat(useSpaces());
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { busy, act } = useAct();
  const queries = useQueryClient();
  const here = spaces.find((s) => s.space.id === spaceId)?.space;
  const inside = new Set([...(here?.rooms ?? []), ...flat(here?.children ?? []).map((s) => s.space.id), spaceId]);
  const rooms = rows.filter((r) => r.membership === "join" && r.direct === null).map((r) => ({ id: r.id, name: r.name, avatar: r.avatar }));
  const others = [...new Map(spaces.map(({ space }) => [space.id, { id: space.id, name: space.name, avatar: space.avatar }])).values()];
  const shown = [...rooms, ...others].filter((r) => !inside.has(r.id) && fit(words, r.name) > 0);
  const toggle = (id: string) => setChosen((old) => (old.has(id) ? new Set([...old].filter((o) => o !== id)) : new Set([...old, id])));
  const add = () =>
    act(async () => {
      for (const id of chosen) await addToSpace(spaceId, id);
      await queries.invalidateQueries({ queryKey: ["space", spaceId] });
      onClose();
    });
  return (
    <Modal opened onClose={onClose} title={t("space.addTo", { name: head.name })} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <TextInput type="search" aria-label={t("filter.label")} placeholder={t("filter.label")} data-autofocus value={words} onChange={(e) => setWords(e.currentTarget.value)} />
        <ul className={classes.results} aria-label={t("list")}>
          {shown.map((r) => (
            <li key={r.id}>
              <UnstyledButton className={classes.result} aria-pressed={chosen.has(r.id)} onClick={() => toggle(r.id)}>
                <Avatar id={r.id} name={r.name} mxc={r.avatar} />
                <Text truncate>{r.name}</Text>
                {chosen.has(r.id) && <Icon name="check" />}
              </UnstyledButton>
            </li>
          ))}
          {shown.length === 0 && (
            <Text component="li" c="var(--quiet)" size="sm" p="xs">
              {t("space.nothingToAdd")}
            </Text>
          )}
        </ul>
        <Group justify="flex-end">
          <Button disabled={chosen.size === 0} loading={busy} onClick={() => void add()}>
            {t("space.add")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

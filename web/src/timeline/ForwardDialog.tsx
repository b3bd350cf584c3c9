import { Button, Checkbox, Group, Modal, ScrollArea, Stack, Text, TextInput } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { fileOfMessage, forward, isEncrypted } from "@/matrix/messageActions.ts";
import { reasonOf } from "@/matrix/outbox.ts";
import { useQuoted } from "@/matrix/relations.ts";
import { useRoomRows } from "@/matrix/rooms.ts";
import type { Place } from "@/matrix/timeline.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./Parts.module.css";
import { closeOverlay } from "./state.ts";
import { inBrief } from "./words.ts";

const most = 5;

/** Sends a message to other rooms. From an encrypted room it goes to encrypted rooms only: there is no way that makes it readable to more. */
export function ForwardDialog({ place, id }: { place: Place; id: string }) {
  const { t } = useTranslation("timeline");
  const quoted = useQuoted(place.roomId, id);
  const rooms = useRoomRows();
  const [filter, setFilter] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const secret = isEncrypted(place.roomId) || fileOfMessage(place.roomId, id)?.encrypted != null;
  const shown = rooms.filter((r) => r.membership === "join" && (!secret || isEncrypted(r.id)) && r.name.toLocaleLowerCase().includes(filter.trim().toLocaleLowerCase()));
  const toggle = (room: string) => setChosen((c) => (c.includes(room) ? c.filter((r) => r !== room) : [...c, room].slice(0, most)));
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    const results = await Promise.allSettled(chosen.map((room) => forward(place.roomId, id, room)));
    closeOverlay();
    const failed = results.flatMap((r, i) => (r.status === "rejected" ? [`${rooms.find((x) => x.id === chosen[i])?.name ?? ""}: ${reasonOf(r.reason).message}`] : []));
    if (failed.length > 0) notifications.show({ color: "red", title: t("forward.failed"), message: failed.join("\n") });
    else notifications.show({ message: t("forward.done", { count: chosen.length }) });
  };
  return (
    <Modal opened onClose={closeOverlay} title={t("forward.title")} centered>
      <Stack component="form" onSubmit={(e: FormEvent) => void submit(e)} gap="sm">
        <Text size="sm" className={classes.forwarded} lineClamp={3}>
          {inBrief(quoted?.body ?? null, t)}
        </Text>
        <TextInput label={t("forward.search")} value={filter} onChange={(e) => setFilter(e.currentTarget.value)} data-autofocus />
        <ScrollArea.Autosize mah="18rem" type="auto">
          <Stack gap={4} role="group" aria-label={t("forward.rooms")}>
            {shown.slice(0, 100).map((r) => (
              <Checkbox
                key={r.id}
                checked={chosen.includes(r.id)}
                disabled={!chosen.includes(r.id) && chosen.length >= most}
                onChange={() => toggle(r.id)}
                label={
                  <Group gap="xs" wrap="nowrap">
                    <Avatar id={r.direct ?? r.id} name={r.name} mxc={r.avatar} size={24} />
                    {r.name}
                  </Group>
                }
              />
            ))}
            {shown.length === 0 && <Text c="var(--quiet)">{t("forward.none")}</Text>}
          </Stack>
        </ScrollArea.Autosize>
        {secret && (
          <Text size="xs" c="var(--quiet)">
            {t("forward.encryptedOnly")}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={closeOverlay}>
            {t("cancel")}
          </Button>
          <Button type="submit" disabled={chosen.length === 0} loading={busy}>
            {t("forward.send")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

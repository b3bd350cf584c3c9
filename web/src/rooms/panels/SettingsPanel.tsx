import { Button, Group, Stack, Text, Textarea, TextInput, Title } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PanelProps } from "@/app/panels.ts";
import type { Setting } from "@/matrix/changers.ts";
import { type Powers, usePowers } from "@/matrix/members.ts";
import { type RoomHead, useRoomHead } from "@/matrix/room.ts";
import { setName, setPicture, setTopic } from "@/matrix/roomsettings.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { PicturePicker } from "../PicturePicker.tsx";
import { openDialog } from "../state.ts";
import { Access } from "./Access.tsx";
import { Addresses } from "./Addresses.tsx";
import { Fact, WhoMay } from "./Fact.tsx";
import { Privacy } from "./Privacy.tsx";
import { Retention } from "./Retention.tsx";
import classes from "./Panel.module.css";

/** A room's settings. What the user may not change stands there to be read, and who may. */
export function SettingsPanel({ roomId }: PanelProps) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  const powers = usePowers(roomId);
  return (
    <div className={classes.panel}>
      <Title order={2} size="h4">
        {head.space ? t("space.settings") : t("settings.title")}
      </Title>
      <Profile key={`${head.name} ${head.topic}`} roomId={roomId} head={head} powers={powers} />
      <Access roomId={roomId} head={head} powers={powers} />
      <Addresses roomId={roomId} head={head} may={powers.alias} />
      <Privacy roomId={roomId} head={head} powers={powers} />
      {!head.space && <Retention roomId={roomId} powers={powers} />}
      <WhoMay roomId={roomId} powers={powers} of={settings(head)} />
      {powers.upgrade && head.replacement === "" && (
        <div>
          <Text size="sm" mb={6}>
            {t("info.version", { version: head.version })}
          </Text>
          <Button variant="default" size="xs" onClick={() => openDialog({ kind: "upgrade", roomId })}>
            {t("upgrade.open")}
          </Button>
        </div>
      )}
    </div>
  );
}

/** What somebody may be able to change; encryption only once. */
function settings(head: RoomHead): Setting[] {
  const every: Setting[] = ["name", "topic", "avatar", "joinRule", "history"];
  return head.space ? every : [...every, ...(head.encrypted ? [] : (["encryption"] as const)), "retention"];
}

function Profile({ roomId, head, powers }: { roomId: string; head: RoomHead; powers: Powers }) {
  const { t } = useTranslation("rooms");
  const [name, setNewName] = useState(head.name);
  const [topic, setNewTopic] = useState(head.topic);
  const { busy, act } = useAct();
  const changed = name.trim() !== head.name || topic.trim() !== head.topic;
  const save = (e: FormEvent) => {
    e.preventDefault();
    void act(async () => {
      if (name.trim() !== head.name) await setName(roomId, name.trim());
      if (topic.trim() !== head.topic) await setTopic(roomId, topic.trim());
    }, t("saved"));
  };
  const face = <Avatar id={head.direct ?? roomId} name={head.name} mxc={head.avatar} size={64} />;
  return (
    <Stack component="form" onSubmit={save} gap="sm">
      {powers.avatar ? (
        <PicturePicker busy={busy} onPick={(p) => void act(() => setPicture(roomId, p))} onRemove={head.avatar && !head.direct ? () => void act(() => setPicture(roomId, null)) : undefined}>
          {face}
        </PicturePicker>
      ) : (
        face
      )}
      {powers.name ? (
        <TextInput label={t("field.name")} maxLength={200} value={name} onChange={(e) => setNewName(e.currentTarget.value)} />
      ) : (
        <Fact label={t("field.name")}>{head.name}</Fact>
      )}
      {powers.topic ? (
        <Textarea label={t("field.topic")} autosize minRows={2} maxRows={8} value={topic} onChange={(e) => setNewTopic(e.currentTarget.value)} />
      ) : (
        <Fact label={t("field.topic")}>{head.topic || t("field.noTopic")}</Fact>
      )}
      {(powers.name || powers.topic) && (
        <Group justify="flex-end">
          <Button type="submit" size="xs" loading={busy} disabled={!changed || name.trim() === ""}>
            {t("save")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

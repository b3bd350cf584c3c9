import { Button, Code, CopyButton, Divider, Group, Select, Stack, Text, Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type PanelProps, panels } from "@/app/panels.ts";
import { useKept } from "@/company/kept.ts";
import { usePowers } from "@/matrix/members.ts";
import { type RoomHead, roomLink, useRoomHead } from "@/matrix/room.ts";
import { useRoomRows, setTag } from "@/matrix/rooms.ts";
import { notifyLevels, type NotifyLevel, setNotifyLevel, useNotifyLevel } from "@/matrix/roomsnotify.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { openDialog } from "../state.ts";
import { Continued } from "../RoomFoot.tsx";
import { Action } from "./Action.tsx";
import { PersonCard } from "./PersonCard.tsx";
import classes from "./Panel.module.css";

/** What a room is, and what the user can do with it. */
export function InfoPanel({ roomId }: PanelProps) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  return (
    <div className={classes.panel}>
      {head.direct ? (
        <PersonCard userId={head.direct} roomId={roomId} />
      ) : (
        <div className={classes.top}>
          <Title order={2} size="h5" c="var(--quiet)">
            {t("info.title")}
          </Title>
          <Avatar id={roomId} name={head.name} mxc={head.avatar} size={80} />
          <Text fw={650} size="lg">
            {head.name}
          </Text>
          {head.alias && (
            <Text size="sm" c="var(--quiet)">
              {head.alias}
            </Text>
          )}
          {head.topic && (
            <Text size="sm" style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
              {head.topic}
            </Text>
          )}
          <Continued roomId={roomId} />
        </div>
      )}
      <Divider />
      <Facts roomId={roomId} head={head} />
      <Divider />
      <Notify roomId={roomId} />
      <Divider />
      <Actions roomId={roomId} head={head} />
      <More roomId={roomId} head={head} />
    </div>
  );
}

function Facts({ roomId, head }: { roomId: string; head: RoomHead }) {
  const { t } = useTranslation("rooms");
  const kept = useKept(roomId);
  return (
    <Stack gap={6}>
      <Text size="sm">{head.encrypted ? t("encryption.onHelp") : t("encryption.offHelp")}</Text>
      <Text size="sm" c="var(--quiet)">
        {t(`history.now.${head.history}`, { defaultValue: t("history.now.shared") })}
      </Text>
      {kept !== null && (
        <Text size="sm" c="var(--quiet)">
          {kept}
        </Text>
      )}
    </Stack>
  );
}

function Notify({ roomId }: { roomId: string }) {
  const { t } = useTranslation("rooms");
  const level = useNotifyLevel(roomId);
  const { busy, act } = useAct();
  return (
    <Select
      label={t("notify.title")}
      allowDeselect={false}
      disabled={busy}
      data={notifyLevels.map((l) => ({ value: l, label: t(`notify.${l}`) }))}
      value={level}
      onChange={(v) => v && void act(() => setNotifyLevel(roomId, v as NotifyLevel))}
    />
  );
}

function Actions({ roomId, head }: { roomId: string; head: RoomHead }) {
  const { t } = useTranslation("rooms");
  const powers = usePowers(roomId);
  const favourite = useRoomRows().find((r) => r.id === roomId)?.favourite ?? false;
  const { act } = useAct();
  const navigate = useNavigate();
  const show = (panel: string) => void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel } });
  return (
    <div className={classes.actions}>
      <Action icon="people" label={t("members.title")} note={String(head.members)} onClick={() => show("members")} />
      {"files" in panels && <Action icon="file" label={t("header.files")} onClick={() => show("files")} />}
      {"threads" in panels && <Action icon="thread" label={t("header.threads")} onClick={() => show("threads")} />}
      {"pins" in panels && <Action icon="pin" label={t("header.pins")} onClick={() => show("pins")} />}
      {powers.invite && <Action icon="invite" label={t("menu.invite")} onClick={() => openDialog({ kind: "invite", roomId })} />}
      <Action icon="link" label={t("menu.copyLink")} onClick={() => void act(() => navigator.clipboard.writeText(roomLink(roomId)), t("linkCopied"))} />
      <Action icon="star" label={favourite ? t("menu.noFavourite") : t("menu.favourite")} onClick={() => void act(() => setTag(roomId, "m.favourite", !favourite))} />
      <Action icon="settings" label={t("settings.title")} onClick={() => show("settings")} />
      <Action icon="leave" danger label={t("menu.leave")} onClick={() => openDialog({ kind: "leave", roomId })} />
    </div>
  );
}

function More({ roomId, head }: { roomId: string; head: RoomHead }) {
  const { t } = useTranslation("rooms");
  const [open, setOpen] = useState(false);
  return (
    <div>
      <Button variant="subtle" color="gray" c="var(--quiet)" size="compact-sm" aria-expanded={open} onClick={() => setOpen(!open)}>
        {t("info.more")}
      </Button>
      {open && (
        <Stack gap="xs" mt="xs">
          <Text size="sm">{t("info.version", { version: head.version })}</Text>
          <Group gap="xs" wrap="nowrap">
            <Code style={{ overflowWrap: "anywhere" }}>{roomId}</Code>
            <CopyButton value={roomId}>
              {({ copied, copy }) => (
                <Button variant="default" size="compact-xs" onClick={copy} style={{ flex: "none" }}>
                  {copied ? t("copied") : t("info.copyId")}
                </Button>
              )}
            </CopyButton>
          </Group>
          <Button variant="default" size="xs" onClick={() => openDialog({ kind: "report", roomId })} style={{ justifySelf: "start", alignSelf: "flex-start" }}>
            {t("report.open")}
          </Button>
        </Stack>
      )}
    </div>
  );
}

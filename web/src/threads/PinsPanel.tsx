import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { PanelProps } from "@/app/panels.ts";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { powersOver } from "@/matrix/messageActions.ts";
import { reasonOf } from "@/matrix/outbox.ts";
import { setPinned, usePins } from "@/matrix/pins.ts";
import { useQuoted } from "@/matrix/relations.ts";
import { useTimes } from "@/timeline/format.ts";
import { Html, PlainText } from "@/timeline/html.tsx";
import { inBrief } from "@/timeline/words.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./Threads.module.css";

/** The messages that are pinned in a room. */
export function PinsPanel({ roomId }: PanelProps) {
  const { t } = useTranslation("threads");
  const pins = usePins(roomId);
  return (
    <div className={classes.list}>
      <Group component="header" className={classes.head}>
        <Title order={2} size="h5">
          {t("pins")}
        </Title>
      </Group>
      <Stack component="ul" gap={0} className={classes.rows} aria-label={t("pins")}>
        {pins.map((id) => (
          <li key={id}>
            <Pin roomId={roomId} id={id} />
          </li>
        ))}
      </Stack>
      {pins.length === 0 && (
        <Text p="md" c="var(--quiet)">
          {t("noPins")}
        </Text>
      )}
    </div>
  );
}

function Pin({ roomId, id }: { roomId: string; id: string }) {
  const { t } = useTranslation("threads");
  const { t: words } = useTranslation("timeline");
  const { short } = useTimes();
  const navigate = useNavigate();
  const quoted = useQuoted(roomId, id);
  const unpin = () => void setPinned(roomId, id, false).catch((err: unknown) => notifications.show({ color: "red", title: words("refused"), message: reasonOf(err).message }));
  const body = quoted?.body;
  return (
    <article className={classes.pin}>
      {quoted ? (
        <>
          <Group gap="xs" wrap="nowrap">
            <Avatar id={quoted.sender.id} name={quoted.sender.name} mxc={quoted.sender.avatar} size={24} />
            <Text span fw={650} truncate>
              {quoted.sender.name}
            </Text>
            <ExternalMark userId={quoted.sender.id} />
            <Text span size="xs" c="var(--quiet)">
              {short(quoted.at)}
            </Text>
          </Group>
          <div className={classes.pinned}>
            {body?.kind === "text" ? body.html === null ? <PlainText text={body.text} /> : <Html html={body.html} text={body.text} /> : inBrief(body ?? null, words)}
          </div>
        </>
      ) : (
        <Text c="var(--quiet)">{quoted === undefined ? "" : t("pinGone")}</Text>
      )}
      <Group gap="xs">
        {quoted && (
          <Button size="compact-sm" variant="light" onClick={() => void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel: "pins", event: id } })}>
            {t("jump")}
          </Button>
        )}
        {powersOver(roomId, id).pin && (
          <Button size="compact-sm" variant="subtle" color="gray" onClick={unpin}>
            {t("unpin")}
          </Button>
        )}
      </Group>
    </article>
  );
}

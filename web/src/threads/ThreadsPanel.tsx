import { ActionIcon, Badge, Group, Loader, Stack, Text, Title, UnstyledButton } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { PanelProps } from "@/app/panels.ts";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { Composer } from "@/composer/Composer.tsx";
import { isExternal } from "@/matrix/company.ts";
import { type ThreadRow, useThreads } from "@/matrix/thread.ts";
import { useTimes } from "@/timeline/format.ts";
import { Icon } from "@/ui/Icon.tsx";
import { Timeline } from "@/timeline/Timeline.tsx";
import { inBrief } from "@/timeline/words.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./Threads.module.css";

/** The threads of a room, or one of them with its own composer. */
export function ThreadsPanel({ roomId }: PanelProps) {
  const { thread } = useSearch({ strict: false }) as { thread?: string };
  return thread === undefined ? <ThreadList roomId={roomId} /> : <ThreadView key={thread} roomId={roomId} threadId={thread} />;
}

function ThreadView({ roomId, threadId }: { roomId: string; threadId: string }) {
  const { t } = useTranslation("threads");
  const navigate = useNavigate();
  const place = { roomId, threadId };
  const back = () => void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel: "threads" } });
  return (
    <div className={classes.view}>
      <Group component="header" className={classes.head} wrap="nowrap" gap="xs">
        <ActionIcon variant="subtle" color="gray" aria-label={t("back")} title={t("back")} onClick={back}>
          <span className={classes.back}>
            <Icon name="right" />
          </span>
        </ActionIcon>
        <Title order={2} size="h5">
          {t("thread")}
        </Title>
      </Group>
      <Timeline roomId={roomId} threadId={threadId} />
      <Composer {...place} />
    </div>
  );
}

function ThreadList({ roomId }: { roomId: string }) {
  const { t } = useTranslation("threads");
  const { rows, loading } = useThreads(roomId);
  return (
    <div className={classes.list}>
      <Group component="header" className={classes.head}>
        <Title order={2} size="h5">
          {t("title")}
        </Title>
      </Group>
      <Stack component="ul" gap={0} className={classes.rows} aria-label={t("title")}>
        {rows.map((r) => (
          <li key={r.id}>
            <Row roomId={roomId} row={r} />
          </li>
        ))}
      </Stack>
      {loading && rows.length === 0 && <Loader size="sm" m="md" role="status" aria-label={t("loading")} />}
      {!loading && rows.length === 0 && (
        <Text p="md" c="var(--quiet)">
          {t("none")}
        </Text>
      )}
    </div>
  );
}

function Row({ roomId, row }: { roomId: string; row: ThreadRow }) {
  const { t } = useTranslation("threads");
  const { t: words } = useTranslation("timeline");
  const { short } = useTimes();
  const navigate = useNavigate();
  return (
    <UnstyledButton className={classes.row} data-unread={row.unread > 0 || undefined} onClick={() => void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel: "threads", thread: row.id } })}>
      <Avatar id={row.sender.id} name={row.sender.name} mxc={row.sender.avatar} size={32} />
      <div className={classes.text}>
        <Group justify="space-between" wrap="nowrap" gap="xs">
          <Text span fw={650} truncate>
            {row.sender.name} <ExternalMark userId={row.sender.id} />
          </Text>
          <Text span size="xs" c="var(--quiet)">
            {short(row.at)}
          </Text>
        </Group>
        <Text size="sm" lineClamp={2}>
          {inBrief(row.body, words)}
        </Text>
        <Group gap="xs" wrap="nowrap" mt={2}>
          <Text span size="xs" fw={600} className={classes.count}>
            {t("replies", { count: row.count })}
          </Text>
          {row.lastSender !== null && (
            <Text span size="xs" c="var(--quiet)" truncate>
              {row.lastSender.name}
              {isExternal(row.lastSender.id) && " "}
              <ExternalMark userId={row.lastSender.id} />: {inBrief(row.lastBody, words)}
            </Text>
          )}
          {row.unread > 0 && (
            <Badge size="sm" ms="auto" color={row.mentions > 0 ? "red" : undefined} aria-label={t("unread", { count: row.unread })}>
              {row.unread}
            </Badge>
          )}
        </Group>
      </div>
    </UnstyledButton>
  );
}

import { Group, Popover, Stack, Text } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNamedPerson, useNamedRoom } from "@/matrix/messageNames.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./Html.module.css";
import { insideLink } from "./sanitize.ts";

interface Props {
  href: string;
  title: string | null;
  children: ReactNode;
}

/** A link in a message: people and rooms stay within the app, everything else opens beside it and learns nothing about it. */
export function MessageLink({ href, title, children }: Props) {
  const inside = insideLink(href);
  if (inside?.kind === "user") return <PersonPill id={inside.id} />;
  if (inside?.kind === "room") return <RoomPill id={inside.id} event={inside.event}>{children}</RoomPill>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={title ?? href}>
      {children}
    </a>
  );
}

function PersonPill({ id }: { id: string }) {
  const { t } = useTranslation("timeline");
  const { roomId } = useParams({ strict: false });
  const person = useNamedPerson(roomId, id);
  return (
    <Popover withArrow shadow="md" position="top-start">
      <Popover.Target>
        <button type="button" className={classes.pill} data-me={person.me || undefined}>
          @{person.name.replace(/^@/, "")}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <Group wrap="nowrap">
          <Avatar id={id} name={person.name} mxc={person.avatar} size={44} />
          <Stack gap={2}>
            <Text fw={650}>{person.name}</Text>
            <Text size="sm" c="var(--quiet)">
              {id}
            </Text>
            {person.direct !== null && person.direct !== roomId && (
              <Text size="sm" component={Link} to={`/room/${encodeURIComponent(person.direct)}`} c="var(--mantine-color-anchor)">
                {t("openDirect")}
              </Text>
            )}
          </Stack>
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}

function RoomPill({ id, event, children }: { id: string; event: string | null; children: ReactNode }) {
  const { t } = useTranslation("timeline");
  const room = useNamedRoom(id);
  if (room === null) return <span title={id}>{children}</span>;
  return (
    <Link className={classes.pill} to="/room/$roomId" params={{ roomId: room.id }} search={event === null ? {} : { event }}>
      {event === null ? room.name : t("messageIn", { room: room.name })}
    </Link>
  );
}

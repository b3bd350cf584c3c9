import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNamedPerson, useNamedRoom } from "@/matrix/messageNames.ts";
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
  const { roomId } = useParams({ strict: false });
  const person = useNamedPerson(roomId, id);
  const text = `@${person.name.replace(/^@/, "")}`;
  if (roomId === undefined) return <span className={classes.pill}>{text}</span>;
  return (
    <Link className={classes.pill} data-me={person.me || undefined} title={id} to="/room/$roomId" params={{ roomId }} search={{ panel: "person", user: id }}>
      {text}
    </Link>
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

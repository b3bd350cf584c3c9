import { Tooltip, UnstyledButton } from "@mantine/core";
import { memo, type MouseEvent, type PointerEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { isExternal } from "@/matrix/company.ts";
import type { Message, Person } from "@/matrix/message.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { ActionBar } from "./ActionBar.tsx";
import { useTimes } from "./format.ts";
import { Icon } from "@/ui/Icon.tsx";
import { MessageBody } from "./MessageBody.tsx";
import { Quote } from "./Quote.tsx";
import { Reactions } from "./Reactions.tsx";
import { openOverlay, useMenuOpen, useTimelineHandle } from "./state.ts";
import { ThreadLine } from "./ThreadLine.tsx";
import { Unsent } from "./Unsent.tsx";
import classes from "./Message.module.css";

interface Props {
  message: Message;
  /** The first of several of one sender: it has the name. */
  first: boolean;
  flash: boolean;
}

const longPress = 500;

/** Opens the menu at the point of a right click, or where a finger rests. */
function useMenu(message: Message) {
  const { place } = useTimelineHandle();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const open = (x: number, y: number) => openOverlay({ kind: "menu", place, id: message.id, x, y });
  const stop = () => clearTimeout(timer.current);
  return {
    onContextMenu: (e: MouseEvent<HTMLElement>) => {
      // Links and marked text keep the browser's own menu.
      if ((e.target as HTMLElement).closest("a, img, video, input") || (getSelection()?.toString() ?? "") !== "") return;
      e.preventDefault();
      const box = e.currentTarget.getBoundingClientRect();
      const byKey = e.clientX === 0 && e.clientY === 0;
      open(byKey ? box.left + 56 : e.clientX, byKey ? box.bottom : e.clientY);
    },
    onPointerDown: (e: PointerEvent) => {
      if (e.pointerType !== "touch" || (e.target as HTMLElement).closest("a, button, video, audio, input")) return;
      const { clientX, clientY } = e;
      timer.current = setTimeout(() => open(clientX, clientY), longPress);
    },
    onPointerMove: stop,
    onPointerUp: stop,
    onPointerCancel: stop,
  };
}

export const MessageRow = memo(function MessageRow({ message, first, flash }: Props) {
  const { t } = useTranslation("timeline");
  const { time, full } = useTimes();
  const [hover, setHover] = useState(false);
  const { place, openPerson } = useTimelineHandle();
  const menuOpen = useMenuOpen(place, message.id);
  const menu = useMenu(message);
  const { sender, body } = message;
  const external = isExternal(sender.id);
  const emote = body.kind === "text" && body.style === "emote";
  return (
    <article
      className={classes.message}
      data-message={message.key}
      data-first={first || undefined}
      data-external={external || undefined}
      data-mention={message.mentionsMe || undefined}
      data-flash={flash || undefined}
      data-status={message.status}
      data-menu={menuOpen || undefined}
      tabIndex={-1}
      aria-label={external ? `${sender.name} (${t("external")}), ${full(message.at)}` : `${sender.name}, ${full(message.at)}`}
      onPointerEnter={(e) => e.pointerType === "mouse" && setHover(true)}
      onPointerLeave={() => setHover(false)}
      onFocus={() => setHover(true)}
      onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && setHover(false)}
      {...menu}
    >
      <div className={classes.gutter}>
        {first ? (
          <Avatar id={sender.id} name={sender.name} mxc={sender.avatar} size={36} />
        ) : (
          <time className={classes.hoverTime} dateTime={new Date(message.at).toISOString()}>
            {time(message.at)}
          </time>
        )}
      </div>
      <div className={classes.content}>
        {first && (
          <header className={classes.head}>
            {/* By keyboard this is in the message's menu: names would be many stops of the Tab key. */}
            <UnstyledButton fw={650} className={classes.name} title={sender.id} tabIndex={-1} onClick={() => openPerson(sender.id)}>
              {sender.name}
            </UnstyledButton>
            <ExternalMark userId={sender.id} />
            <time className={classes.time} dateTime={new Date(message.at).toISOString()} title={full(message.at)}>
              {time(message.at)}
            </time>
            {message.pinned && (
              <span className={classes.mark} title={t("isPinned")}>
                <Icon name="pin" size={14} />
              </span>
            )}
          </header>
        )}
        {message.replyTo !== null && <Quote id={message.replyTo} />}
        <div className={classes.body} data-emote={emote || undefined}>
          {emote && <span className={classes.emoteName}>{sender.name} </span>}
          <MessageBody message={message} />
          {message.edited && <span className={classes.edited}>{t("edited")}</span>}
          {message.pinned && !first && (
            <span className={classes.mark} title={t("isPinned")}>
              <Icon name="pin" size={14} />
            </span>
          )}
        </div>
        {message.reactions.length > 0 && <Reactions message={message} />}
        {message.thread !== null && <ThreadLine id={message.id} thread={message.thread} />}
        {message.status === "failed" && <Unsent message={message} />}
      </div>
      <div className={classes.end}>
        {message.status === "sending" && (
          <span className={classes.sending} title={t("sending")} role="img" aria-label={t("sending")}>
            <Icon name="clock" size={14} />
          </span>
        )}
        {message.readers.length > 0 && <Readers people={message.readers} />}
      </div>
      {(hover || menuOpen) && <ActionBar message={message} />}
    </article>
  );
});

const shown = 3;

/** The people who have read up to here. */
function Readers({ people }: { people: Person[] }) {
  const { t } = useTranslation("timeline");
  const text = t("readBy", { names: people.map((p) => p.name).join(", ") });
  return (
    <Tooltip label={text} multiline maw="20rem" position="top-end">
      <span className={classes.readers} role="img" aria-label={text}>
        {people.length > shown && <span className={classes.moreReaders}>+{people.length - shown}</span>}
        {people.slice(0, shown).map((p) => (
          <Avatar key={p.id} id={p.id} name={p.name} mxc={p.avatar} size={16} />
        ))}
      </span>
    </Tooltip>
  );
}

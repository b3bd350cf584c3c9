import { Button, Center, Indicator, Loader, Text } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type KeyboardEvent, lazy, Suspense, useCallback, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { pressed } from "@/keyboard/shortcuts.ts";
import { somethingOpen, useShortcuts } from "@/keyboard/useShortcuts.ts";
import { useOrganisation } from "@/matrix/organisation.ts";
import { markRead } from "@/matrix/rooms.ts";
import { eventAt, useOpening, useTimeline } from "@/matrix/timeline.ts";
import { actsOn } from "./acts.ts";
import { Icon } from "@/ui/Icon.tsx";
import { DayRow, UnreadRow } from "./Dividers.tsx";
import { MessageRow } from "./MessageRow.tsx";
import { keepRows, messagesOf, type Row, rowsOf } from "./rows.ts";
import { StateRow } from "./StateRow.tsx";
import { TimelineContext, type TimelineHandle, useOverlay } from "./state.ts";
import classes from "./Timeline.module.css";
import { TypingLine } from "./TypingLine.tsx";
import { UnreadableRow } from "./UnreadableRow.tsx";
import { useScroll } from "./useScroll.ts";

const Overlays = lazy(async () => ({ default: (await import("./Overlays.tsx")).Overlays }));

interface Props {
  roomId: string;
  threadId?: string | undefined;
}

/** The messages of a room, or of a thread in it. */
export function Timeline({ roomId, threadId }: Props) {
  const { t } = useTranslation("timeline");
  const [view, model] = useTimeline({ roomId, threadId });
  const search = useSearch({ strict: false }) as { event?: string; thread?: string };
  const navigate = useNavigate();
  const { forwarding } = useOrganisation().policy;

  const openThread = useCallback(
    (thread: string, event?: string) => void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel: "threads", thread, ...(event ? { event } : {}) } }),
    [navigate, roomId],
  );
  // An event in a thread is for the panel: the room's timeline opens it there, and leaves the address to it.
  const forMe = (threadId === undefined) === (search.thread === undefined) ? search.event : undefined;
  useOpening(model, forMe, (thread) => {
    if (thread !== null && threadId === undefined) openThread(thread, search.event);
  });

  const handle = useMemo<TimelineHandle>(
    () => ({
      place: { roomId, threadId },
      openThread,
      openPerson: (user) => void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel: "person", user } }),
      jumpTo: (id) => void model.openAt(id),
      jumpToDate: async (time) => {
        const id = await eventAt(roomId, time);
        return id !== null && model.openAt(id);
      },
    }),
    [roomId, threadId, openThread, model, navigate],
  );

  const kept = useRef<Row[]>([]);
  const rows = useMemo(() => (kept.current = keepRows(kept.current, rowsOf(view.messages, view.unreadAfter))), [view.messages, view.unreadAfter]);
  const { box, inner, onScroll, atEnd, below, flash, toEnd } = useScroll(rows, view, model);
  const overlay = useOverlay(handle.place);

  useShortcuts({
    markRead: (e) => {
      // Elsewhere Escape closes a panel, or is nobody's.
      const target = e.target as HTMLElement;
      if (threadId !== undefined || view.phase !== "ready" || somethingOpen() || (target !== document.body && !target.closest("main"))) return false;
      toEnd();
      return void markRead(roomId).catch(() => undefined);
    },
  });

  const onKeyDown = (e: KeyboardEvent<HTMLDivElement>) => {
    const target = e.target as HTMLElement;
    const all = [...(inner.current?.querySelectorAll<HTMLElement>("[data-message]") ?? [])];
    const at = all.indexOf(target);
    if (pressed(e, "walkMessages")) {
      if (at < 0 && target !== box.current) return;
      e.preventDefault();
      const next = at < 0 ? all.length - 1 : at + (e.key === "ArrowUp" ? -1 : 1);
      const row = all[Math.max(0, Math.min(all.length - 1, next))];
      row?.focus({ preventScroll: true });
      row?.scrollIntoView({ block: "nearest" });
      return;
    }
    if (at < 0) return;
    const message = view.messages.find((m) => m.key === target.dataset.message);
    const act = message && actsOn(message, handle, forwarding, t).find((a) => a.key !== undefined && pressed(e, a.key));
    if (!act) return;
    e.preventDefault();
    const { left, bottom } = target.getBoundingClientRect();
    act.run({ x: left + 56, y: bottom });
  };

  if (view.phase === "loading" || view.phase === "missing" || view.phase === "failed") {
    return (
      <Center className={classes.frame}>
        {view.phase === "loading" ? <Loader role="status" aria-label={t("loading")} /> : <Text c="var(--quiet)">{t(view.phase)}</Text>}
        {view.phase === "failed" && (
          <Button variant="light" ms="md" onClick={() => void model.openUnread()}>
            {t("again")}
          </Button>
        )}
      </Center>
    );
  }
  return (
    <TimelineContext value={handle}>
      <div className={classes.frame}>
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrolled region must be reachable by keyboard */}
        <div ref={box} className={classes.box} role="log" aria-label={threadId === undefined ? t("log") : t("threadLog")} aria-busy={view.older && rows.length === 0} tabIndex={0} onScroll={onScroll} onKeyDown={onKeyDown}>
          {view.older && (
            <Center h={40} className={classes.edge}>
              <Loader size="xs" role="status" aria-label={t("loadingOlder")} />
            </Center>
          )}
          <div ref={inner} className={classes.rows}>
            {rows.map((row) => (
              <div key={row.key} data-row={row.key}>
                <RowView row={row} flash={flash !== null && messagesOf(row).some((m) => m.id === flash)} />
              </div>
            ))}
          </div>
          {view.newer && (
            <Center h={40} className={classes.edge}>
              <Loader size="xs" role="status" aria-label={t("loadingNewer")} />
            </Center>
          )}
        </div>
        {(!atEnd || !view.live) && (
          <Indicator className={classes.jump} label={below > 99 ? "99+" : below} size={20} disabled={below === 0} position="top-center">
            <Button variant="default" radius="xl" size="compact-md" leftSection={<Icon name="arrowDown" size={16} />} onClick={toEnd} aria-label={below > 0 ? t("newBelow", { count: below }) : t("toEnd")}>
              {t("toEnd")}
            </Button>
          </Indicator>
        )}
        {threadId === undefined && <TypingLine roomId={roomId} />}
        {overlay !== null && (
          <Suspense fallback={null}>
            <Overlays overlay={overlay} message={view.messages.find((m) => m.id === overlay.id) ?? null} />
          </Suspense>
        )}
      </div>
    </TimelineContext>
  );
}

function RowView({ row, flash }: { row: Row; flash: boolean }) {
  switch (row.kind) {
    case "day":
      return <DayRow at={row.at} />;
    case "unread":
      return <UnreadRow />;
    case "changes":
      return <StateRow messages={row.messages} />;
    case "unreadable":
      return <UnreadableRow messages={row.messages} />;
    case "message":
      return <MessageRow message={row.message} first={row.first} flash={flash} />;
  }
}

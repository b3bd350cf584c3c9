import { useNavigate, useParams } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useCallback, useDeferredValue, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useClientState } from "@/matrix/client.ts";
import { type RoomRow as Row, useRoomRows } from "@/matrix/rooms.ts";
import { matches } from "@/matrix/roomsorder.ts";
import { flat, useSpaces } from "@/matrix/spaces.ts";
import { useRoomsWithDrafts } from "@/composer/drafts.ts";
import { focusNextField } from "@/composer/state.ts";
import { pressed } from "@/keyboard/shortcuts.ts";
import { useShortcuts } from "@/keyboard/useShortcuts.ts";
import { fit } from "./fuzzy.ts";
import { neighbour } from "./neighbour.ts";
import { RoomRow } from "./RoomRow.tsx";
import { RowMenu, type MenuAt } from "./RowMenu.tsx";
import { useRooms } from "./state.ts";
import classes from "./RoomList.module.css";

const rowHeight = 66;

/** The rows that the chosen space, filter and words leave. What asks for attention is shown in every space's list as an invitation has none yet. */
export function useShownRows(): Row[] {
  const rows = useRoomRows();
  const { filter, space, words } = useRooms();
  const query = useDeferredValue(words);
  const spaces = useSpaces();
  const chosen = useMemo(() => flat(spaces).find((s) => s.space.id === space)?.space, [spaces, space]);
  return useMemo(() => {
    const inSpace = rows.filter((r) => chosen === undefined || r.membership === "invite" || chosen.rooms.has(r.id));
    const kept = inSpace.filter((r) => matches(r, filter));
    if (query.trim() === "") return kept;
    return kept.map((r) => ({ r, fits: fit(query, r.name) })).filter((x) => x.fits > 0).sort((a, b) => b.fits - a.fits).map((x) => x.r);
  }, [rows, filter, chosen, query]);
}

/** The list of people and rooms. Only the rows in view are in the page. */
export function RoomList() {
  const { t } = useTranslation("rooms");
  const rows = useShownRows();
  const synced = useClientState((s) => s.synced);
  const drafts = useRoomsWithDrafts();
  const scroll = useRef<HTMLDivElement>(null);
  const links = useRef(new Map<string, HTMLAnchorElement>());
  const [menu, setMenu] = useState<MenuAt | null>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroll.current, estimateSize: () => rowHeight, overscan: 6, getItemKey: (i) => rows[i]?.id ?? i });
  const navigate = useNavigate();
  const { roomId } = useParams({ strict: false });
  const onMenu = useCallback((row: Row, x: number, y: number) => setMenu({ row, x, y }), []);

  const focus = (index: number) => {
    const id = rows[index]?.id;
    if (id === undefined) return;
    virtual.scrollToIndex(index);
    requestAnimationFrame(() => requestAnimationFrame(() => links.current.get(id)?.focus()));
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (!pressed(e, "walkChats")) return;
    const at = rows.findIndex((r) => links.current.get(r.id) === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: Math.min(rows.length - 1, at + 8), PageUp: Math.max(0, at - 8) }[e.key];
    if (to === undefined || at < 0) return;
    e.preventDefault();
    focus(to);
  };

  const go = (step: 1 | -1, unread: boolean) => {
    const row = neighbour(rows, roomId, step, unread);
    if (row === undefined) return;
    virtual.scrollToIndex(rows.indexOf(row));
    focusNextField();
    void navigate({ to: "/room/$roomId", params: { roomId: row.id } });
  };
  useShortcuts({ previousChat: () => go(-1, false), nextChat: () => go(1, false), previousUnread: () => go(-1, true), nextUnread: () => go(1, true) });

  return (
    <div className={classes.scroll} ref={scroll} onKeyDown={onKeyDown} id="chats">
      <ul className={classes.list} aria-label={t("list")} style={{ blockSize: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((v) => {
          const row = rows[v.index];
          if (row === undefined) return null;
          return (
            <li key={v.key} className={classes.item} aria-setsize={rows.length} aria-posinset={v.index + 1} style={{ transform: `translateY(${v.start}px)` }}>
              <RoomRow
                row={row}
                draft={drafts.has(row.id)}
                menu={menu?.row.id === row.id}
                onMenu={onMenu}
                inner={(el) => {
                  if (el) links.current.set(row.id, el);
                  else links.current.delete(row.id);
                }}
              />
            </li>
          );
        })}
      </ul>
      {rows.length === 0 && <Empty synced={synced} />}
      <RowMenu at={menu} onClose={() => setMenu(null)} />
    </div>
  );
}

function Empty({ synced }: { synced: boolean }) {
  const { t } = useTranslation("rooms");
  const { filter, words, space } = useRooms();
  if (!synced) return <p className={classes.empty}>{t("loading")}</p>;
  return <p className={classes.empty}>{words.trim() ? t("noneFound") : filter === "unread" ? t("noneUnread") : space || filter !== "all" ? t("noneHere") : t("none")}</p>;
}

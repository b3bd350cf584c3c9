import { Link } from "@tanstack/react-router";
import { memo, type Ref } from "react";
import { useTranslation } from "react-i18next";
import type { RoomRow as Row } from "@/matrix/rooms.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { Face } from "./Face.tsx";
import { Icon } from "@/ui/Icon.tsx";
import { rowWords, shortTime } from "./words.ts";
import classes from "./RoomList.module.css";

interface Props {
  row: Row;
  draft: boolean; // something was begun there and not sent
  menu: boolean; // its menu is open
  onMenu: (row: Row, x: number, y: number) => void;
  inner: Ref<HTMLAnchorElement>;
}

/** One chat in the list. */
export const RoomRow = memo(function RoomRow({ row, draft, menu, onMenu, inner }: Props) {
  const { t, i18n } = useTranslation("rooms");
  const loud = row.unread > 0 || row.mentions > 0 || row.markedUnread || row.knocking > 0 || row.membership === "invite";
  return (
    <Link
      ref={inner}
      to="/room/$roomId"
      params={{ roomId: row.id }}
      activeProps={{ "data-active": "", "aria-current": "page" } as object}
      className={classes.row}
      data-menu={menu ? "" : undefined}
      onContextMenu={(e) => {
        e.preventDefault();
        const box = e.currentTarget.getBoundingClientRect();
        const byKey = e.clientX === 0 && e.clientY === 0;
        onMenu(row, byKey ? box.left + 24 : e.clientX, byKey ? box.bottom : e.clientY);
      }}
    >
      {row.direct ? <Face userId={row.direct} name={row.name} mxc={row.avatar} size={44} spoken /> : <Avatar id={row.id} name={row.name} mxc={row.avatar} size={44} />}
      <span style={{ minInlineSize: 0, display: "block" }}>
        <span className={classes.name}>
          <span className={classes.label} style={{ fontWeight: loud ? 650 : 500 }}>
            {row.name}
          </span>
          {row.favourite && <Mark name="star" label={t("favourite")} />}
          {row.level === "mute" && <Mark name="mute" label={t("muted")} />}
        </span>
        <span className={classes.preview} data-strong={loud ? "" : undefined} style={{ display: "block" }}>
          {draft && <span className={classes.draft}>{t("draft")} </span>}
          {rowWords(t, row)}
        </span>
      </span>
      <span className={classes.end}>
        <span className={classes.time}>{row.membership === "join" ? shortTime(row.at, i18n.language) : ""}</span>
        <Unread row={row} />
      </span>
    </Link>
  );
});

function Mark({ name, label }: { name: "star" | "mute"; label: string }) {
  return (
    <span role="img" aria-label={label} title={label} style={{ display: "inline-flex", color: "var(--quiet)", flex: "none" }}>
      <Icon name={name} size={14} filled={name === "star"} />
    </span>
  );
}

function Unread({ row }: { row: Row }) {
  const { t } = useTranslation("rooms");
  const text = (n: number) => (n > 99 ? "99+" : String(n));
  if (row.membership === "invite") return <span className={classes.badge} data-loud="">{t("invitation")}</span>;
  if (row.mentions > 0) {
    return (
      <span className={classes.badge} data-mention="" role="img" aria-label={t("mentions", { count: row.mentions })}>
        @{text(row.mentions)}
      </span>
    );
  }
  if (row.unread > 0) {
    return (
      <span className={classes.badge} data-loud={row.level === "mute" ? undefined : ""} role="img" aria-label={t("unread", { count: row.unread })}>
        {text(row.unread)}
      </span>
    );
  }
  if (row.knocking > 0) return <span className={classes.badge} data-loud="" aria-hidden>{text(row.knocking)}</span>; // the line says what of
  if (row.markedUnread) return <span className={classes.dot} role="img" aria-label={t("markedUnread")} />;
  if (row.quietlyNew) return <span className={classes.dot} data-quiet="" role="img" aria-label={t("quietlyNew")} />;
  return <span style={{ blockSize: 20 }} />;
}

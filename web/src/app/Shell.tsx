import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Dialogs } from "@/rooms/Dialogs.tsx";
import { Sidebar } from "@/rooms/Sidebar.tsx";
import { useSearchKeys } from "@/search/keys.ts";
import { preloadRoom } from "./room.ts";
import classes from "./Shell.module.css";

/** The column of chats beside what is open; on a phone one of the two. */
export function Shell() {
  const { t } = useTranslation("app");
  useEffect(preloadRoom, []);
  useSearchKeys();
  const home = useLocation({ select: (l) => l.pathname === "/" });
  return (
    <div className={classes.shell} data-open={home ? undefined : ""}>
      <nav className={classes.list} aria-label={t("chats")}>
        <Sidebar />
      </nav>
      <div className={classes.room}>
        <Outlet />
      </div>
      <Dialogs />
    </div>
  );
}

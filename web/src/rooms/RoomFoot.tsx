import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { RoomNotices } from "@/company/RoomNotices.tsx";
import { join } from "@/matrix/directory.ts";
import { useRoomHead, viaOf } from "@/matrix/room.ts";
import { useAct } from "@/ui/act.ts";
import classes from "./RoomHeader.module.css";

/** What stands below the messages: the organisation's rules and the composer, or the way to the room that took this one's place. */
export function RoomFoot({ roomId, children }: { roomId: string; children: ReactNode }) {
  const { t } = useTranslation("rooms");
  const { replacement, space } = useRoomHead(roomId);
  const navigate = useNavigate();
  const { busy, act } = useAct();
  if (replacement === "") {
    return (
      <div>
        <RoomNotices roomId={roomId} />
        {!space && children}
      </div>
    );
  }
  const go = () => act(async () => navigate({ to: "/room/$roomId", params: { roomId: await join(replacement, viaOf(roomId)) } }));
  return (
    <div className={classes.bar} role="note">
      <span style={{ flex: 1, minInlineSize: "12rem" }}>{t("upgrade.moved")}</span>
      <Button size="xs" loading={busy} onClick={() => void go()}>
        {t("upgrade.follow")}
      </Button>
    </div>
  );
}

/** In a room that took another's place: the way back to what was said there. */
export function Continued({ roomId }: { roomId: string }) {
  const { t } = useTranslation("rooms");
  const { predecessor } = useRoomHead(roomId);
  const before = useRoomHead(predecessor || roomId);
  const navigate = useNavigate();
  if (predecessor === "" || !["join", "leave"].includes(before.standing)) return null;
  return (
    <Button variant="subtle" size="compact-sm" onClick={() => void navigate({ to: "/room/$roomId", params: { roomId: predecessor } })}>
      {t("upgrade.continued")}
    </Button>
  );
}

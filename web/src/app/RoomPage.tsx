import { CloseButton, Loader } from "@mantine/core";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Composer } from "@/composer/Composer.tsx";
import { useRoomHead } from "@/matrix/room.ts";
import { RoomEntrance } from "@/rooms/RoomEntrance.tsx";
import { RoomFoot } from "@/rooms/RoomFoot.tsx";
import { RoomHeader } from "@/rooms/RoomHeader.tsx";
import { Timeline } from "@/timeline/Timeline.tsx";
import { panels } from "./panels.ts";
import classes from "./RoomPage.module.css";

/** One room: header, timeline, composer, and beside them at most one panel; on a phone the panel takes their place. */
export function RoomPage() {
  const { t } = useTranslation("app");
  const { roomId } = useParams({ from: "/signed-in/shell/room/$roomId" });
  const search = useSearch({ from: "/signed-in/shell/room/$roomId" });
  const navigate = useNavigate();
  const { standing } = useRoomHead(roomId);
  const Panel = search.panel === undefined ? undefined : panels[search.panel];
  const close = () => void navigate({ to: "/room/$roomId", params: { roomId }, search: {} });
  if (standing !== "join") return <RoomEntrance roomId={roomId} key={roomId} />;
  return (
    <div className={classes.page} key={roomId} data-panel={Panel ? "" : undefined}>
      <main className={classes.room}>
        <RoomHeader roomId={roomId} />
        <Timeline roomId={roomId} />
        <RoomFoot roomId={roomId}>
          <Composer roomId={roomId} />
        </RoomFoot>
      </main>
      {Panel && (
        <aside className={classes.panel} aria-label={t(`panel.${search.panel}`)}>
          <CloseButton className={classes.close} aria-label={t("panel.close")} onClick={close} />
          <Suspense fallback={<Loader m="md" />}>
            <Panel roomId={roomId} close={close} />
          </Suspense>
        </aside>
      )}
    </div>
  );
}

import { useParams } from "@tanstack/react-router";
import { Composer } from "@/composer/Composer.tsx";
import { RoomHeader } from "@/rooms/RoomHeader.tsx";
import { Timeline } from "@/timeline/Timeline.tsx";
import classes from "./RoomPage.module.css";

/** One room: header, timeline, composer. */
export function RoomPage() {
  const { roomId } = useParams({ from: "/signed-in/shell/room/$roomId" });
  return (
    <main className={classes.page} key={roomId}>
      <RoomHeader roomId={roomId} />
      <Timeline roomId={roomId} />
      <Composer roomId={roomId} />
    </main>
  );
}

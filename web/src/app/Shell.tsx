import { Outlet, useParams } from "@tanstack/react-router";
import { RoomList } from "@/rooms/RoomList.tsx";
import classes from "./Shell.module.css";

/** The list of rooms beside the open one; on a phone one of the two. */
export function Shell() {
  const { roomId } = useParams({ strict: false });
  return (
    <div className={classes.shell} data-room={roomId ? "" : undefined}>
      <nav className={classes.list}>
        <RoomList />
      </nav>
      <div className={classes.room}>
        <Outlet />
      </div>
    </div>
  );
}

import { Badge, ScrollArea, Text, UnstyledButton } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type RoomRow, useRoomRows } from "@/matrix/rooms.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./RoomList.module.css";

export function RoomList() {
  const { t } = useTranslation("rooms");
  const rows = useRoomRows();
  return (
    <ScrollArea h="100%" type="hover">
      <ul className={classes.list} aria-label={t("list")}>
        {rows.map((r) => (
          <li key={r.id}>
            <Row row={r} />
          </li>
        ))}
      </ul>
      {rows.length === 0 && (
        <Text c="var(--quiet)" p="md">
          {t("none")}
        </Text>
      )}
    </ScrollArea>
  );
}

function Row({ row }: { row: RoomRow }) {
  return (
    <UnstyledButton
      className={classes.row}
      renderRoot={(props) => <Link to="/room/$roomId" params={{ roomId: row.id }} activeProps={{ "data-active": "", "aria-current": "page" }} {...props} />}
    >
      <Avatar id={row.direct ?? row.id} name={row.name} mxc={row.avatar} />
      <Text span truncate fw={row.unread > 0 ? 650 : 400}>
        {row.name}
      </Text>
      {row.unread > 0 && <Badge circle={row.unread < 10}>{row.unread}</Badge>}
    </UnstyledButton>
  );
}

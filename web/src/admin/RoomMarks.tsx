import { Badge, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { RoomItem } from "./api-rooms.ts";

/** What is special about a room, in badges. */
export function RoomMarks({ r }: { r: RoomItem }) {
  const { t } = useTranslation("admin");
  return (
    <Group gap={4} component="span">
      <Badge variant="light" color={r.encrypted ? "teal" : "gray"}>
        {t(r.encrypted ? "kind.encrypted" : "kind.unencrypted")}
      </Badge>
      <Badge variant="light" color={r.recorded ? "violet" : "gray"}>
        {t(r.recorded ? "kind.recorded" : "kind.unrecorded")}
      </Badge>
      {r.space && <Badge variant="outline">{t("kind.space")}</Badge>}
      {r.public && <Badge variant="outline">{t("kind.public")}</Badge>}
      {r.orphaned && (
        <Badge variant="light" color="orange">
          {t("kind.orphaned")}
        </Badge>
      )}
      {r.blocked && (
        <Badge variant="light" color="red">
          {t("kind.blocked")}
        </Badge>
      )}
    </Group>
  );
}

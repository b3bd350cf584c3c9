import { Menu } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useClientState } from "@/matrix/client.ts";
import { roomLink } from "@/matrix/room.ts";
import { markRead, markUnread, type RoomRow, setTag } from "@/matrix/rooms.ts";
import { notifyLevels, type NotifyLevel, setNotifyLevel } from "@/matrix/roomsnotify.ts";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import { openDialog } from "./state.ts";

export interface MenuAt {
  row: RoomRow;
  x: number;
  y: number;
}

/** What can be done with a chat from the list. */
export function RowMenu({ at, onClose }: { at: MenuAt | null; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const { act } = useAct();
  const caughtUp = useClientState((s) => s.caughtUp);
  if (at === null || !caughtUp) return null; // it opens as soon as the room is there
  const { row } = at;
  const isUnread = row.unread > 0 || row.mentions > 0 || row.markedUnread;
  const copy = () => void act(() => navigator.clipboard.writeText(roomLink(row.id)), t("linkCopied"));
  return (
    <Menu opened onClose={onClose} position="bottom-start" withinPortal shadow="md" returnFocus offset={0}>
      <Menu.Target>
        <span style={{ position: "fixed", insetBlockStart: at.y, left: at.x, inlineSize: 1, blockSize: 1 }} />
      </Menu.Target>
      <Menu.Dropdown aria-label={t("menu.of", { name: row.name })}>
        {row.membership === "join" && (
          <>
            {isUnread ? (
              <Menu.Item leftSection={<Icon name="read" />} onClick={() => void act(() => markRead(row.id))}>
                {t("menu.markRead")}
              </Menu.Item>
            ) : (
              <Menu.Item leftSection={<Icon name="unread" />} onClick={() => void act(() => markUnread(row.id))}>
                {t("menu.markUnread")}
              </Menu.Item>
            )}
            <Menu.Item leftSection={<Icon name="star" filled={row.favourite} />} onClick={() => void act(() => setTag(row.id, "m.favourite", !row.favourite))}>
              {row.favourite ? t("menu.noFavourite") : t("menu.favourite")}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="arrowDown" />} onClick={() => void act(() => setTag(row.id, "m.lowpriority", !row.lowPriority))}>
              {row.lowPriority ? t("menu.noLowPriority") : t("menu.lowPriority")}
            </Menu.Item>
            <Menu.Divider />
            <Menu.Label>{t("notify.title")}</Menu.Label>
            <Menu.RadioGroup value={row.level} onChange={(level) => (onClose(), void act(() => setNotifyLevel(row.id, level as NotifyLevel)))}>
              {notifyLevels.map((level) => (
                <Menu.RadioItem key={level} value={level}>
                  {t(`notify.${level}`)}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.Divider />
            <Menu.Item leftSection={<Icon name="invite" />} onClick={() => openDialog({ kind: "invite", roomId: row.id })}>
              {t("menu.invite")}
            </Menu.Item>
          </>
        )}
        <Menu.Item leftSection={<Icon name="link" />} onClick={copy}>
          {t("menu.copyLink")}
        </Menu.Item>
        <Menu.Item color="red" leftSection={<Icon name="leave" />} onClick={() => openDialog({ kind: "leave", roomId: row.id })}>
          {row.membership === "invite" ? t("menu.decline") : row.membership === "knock" ? t("menu.withdraw") : t("menu.leave")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

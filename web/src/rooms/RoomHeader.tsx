import { ActionIcon, Menu, Title, UnstyledButton } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { panels } from "@/app/panels.ts";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { usePresence } from "@/matrix/presence.ts";
import { type RoomHead, useRoomHead } from "@/matrix/room.ts";
import { clearMark } from "@/matrix/rooms.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { Back } from "./Back.tsx";
import { Face } from "./Face.tsx";
import { Icon, type IconName } from "@/ui/Icon.tsx";
import { Knocks } from "./Knocks.tsx";
import { agoWords } from "./words.ts";
import classes from "./RoomHeader.module.css";

const buttons: readonly { panel: string; icon: IconName }[] = [
  { panel: "search", icon: "search" },
  { panel: "threads", icon: "thread" },
  { panel: "pins", icon: "pin" },
  { panel: "files", icon: "file" },
  { panel: "members", icon: "people" },
  { panel: "info", icon: "info" },
];

/** The head of a room: which it is, in what state, and what can be looked at beside it. */
export function RoomHeader({ roomId }: { roomId: string }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  const { panel } = useSearch({ from: "/signed-in/shell/room/$roomId" });
  const navigate = useNavigate();
  useEffect(() => void clearMark(roomId).catch(() => undefined), [roomId]);
  const show = (name: string) => void navigate({ to: "/room/$roomId", params: { roomId }, search: panel === name ? {} : { panel: name } });
  const shown = buttons.filter((b) => b.panel in panels && !(b.panel === "members" && head.direct !== null));
  return (
    <div>
      <header className={classes.header}>
        <Back />
        {head.direct ? <Face userId={head.direct} name={head.name} mxc={head.avatar} size={40} /> : <Avatar id={roomId} name={head.name} mxc={head.avatar} size={40} />}
        <div className={classes.title}>
          <Title order={1} size="h4" className={classes.cut} lh={1.3}>
            <UnstyledButton className={classes.name} onClick={() => show("info")}>
              {head.name}
            </UnstyledButton>
          </Title>
          <Line head={head} />
        </div>
        {shown.map((b) => (
          <ActionIcon
            key={b.panel}
            className={b.panel === "info" ? undefined : classes.wide}
            variant={panel === b.panel ? "light" : "subtle"}
            color={panel === b.panel ? undefined : "gray"}
            c={panel === b.panel ? undefined : "var(--quiet)"}
            size="lg"
            aria-label={t(`header.${b.panel}`)}
            title={t(`header.${b.panel}`)}
            aria-pressed={panel === b.panel}
            onClick={() => show(b.panel)}
          >
            <Icon name={b.icon} size={20} />
          </ActionIcon>
        ))}
        {shown.length > 1 && (
          <Menu position="bottom-end" shadow="md" withinPortal>
            <Menu.Target>
              <ActionIcon className={classes.narrow} variant="subtle" color="gray" c="var(--quiet)" size="lg" aria-label={t("header.more")}>
                <Icon name="more" size={20} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {shown.filter((b) => b.panel !== "info").map((b) => (
                <Menu.Item key={b.panel} leftSection={<Icon name={b.icon} />} onClick={() => show(b.panel)}>
                  {t(`header.${b.panel}`)}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </header>
      <Knocks roomId={roomId} />
    </div>
  );
}

function Line({ head }: { head: RoomHead }) {
  const { t } = useTranslation("rooms");
  return (
    <span className={classes.line}>
      <span title={head.encrypted ? t("encryption.on") : t("encryption.off")} role="img" aria-label={head.encrypted ? t("encryption.on") : t("encryption.off")} style={{ display: "inline-flex" }}>
        <Icon name={head.encrypted ? "lock" : "unlock"} size={14} />
      </span>
      {head.direct ? <PersonLine userId={head.direct} /> : <span style={{ flex: "none" }}>{t("members.count", { count: head.members })}</span>}
      {head.topic && <span className={classes.cut}>· {head.topic}</span>}
    </span>
  );
}

function PersonLine({ userId }: { userId: string }) {
  const { t, i18n } = useTranslation("rooms");
  const p = usePresence(userId);
  const words =
    p.state === "offline" && p.lastActive > 0 ? t("presence.lastSeen", { when: agoWords(p.lastActive, i18n.language) }) : p.state === "unknown" ? "" : t(`presence.${p.state}`);
  const text = [words, p.status].filter((s) => s !== "").join(" · ");
  return (
    <>
      <span className={classes.cut}>{text || userId}</span>
      <ExternalMark userId={userId} />
    </>
  );
}

import { ActionIcon, Button, Group, Loader, Menu, Text, Title } from "@mantine/core";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { usePowers } from "@/matrix/members.ts";
import { useRoomHead } from "@/matrix/room.ts";
import { removeFromSpace, useSpaceRooms, useSpaces } from "@/matrix/spaces.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { Back } from "./Back.tsx";
import { Icon } from "@/ui/Icon.tsx";
import { OutsideCard } from "./OutsideCard.tsx";
import { RoomEntrance } from "./RoomEntrance.tsx";
import { openDialog } from "./state.ts";
import classes from "./Page.module.css";

/** A space's home: what it is for, and its rooms with the way into each. */
export function SpacePage() {
  const { spaceId } = useParams({ from: "/signed-in/shell/space/$spaceId" });
  const head = useRoomHead(spaceId);
  if (head.standing !== "join") return <RoomEntrance roomId={spaceId} key={spaceId} />;
  return <SpaceHome spaceId={spaceId} key={spaceId} />;
}

function SpaceHome({ spaceId }: { spaceId: string }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(spaceId);
  const powers = usePowers(spaceId);
  const { rooms, loading } = useSpaceRooms(spaceId);
  const spaces = useSpaces();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { act } = useAct();
  // Another person's change of the space shows at once.
  useEffect(() => void queries.invalidateQueries({ queryKey: ["space", spaceId] }), [spaces, queries, spaceId]);
  const again = () => void queries.invalidateQueries({ queryKey: ["space", spaceId] });
  return (
    <main className={classes.page}>
      <div className={classes.head}>
        <Back />
        <Avatar id={spaceId} name={head.name} mxc={head.avatar} size={40} />
        <div style={{ flex: 1, minInlineSize: 0 }}>
          <Title order={1} size="h4" lineClamp={1}>
            {head.name}
          </Title>
          <Text size="sm" c="var(--quiet)">
            {t("space.one")} · {t("members.count", { count: head.members })}
          </Text>
        </div>
        <Menu position="bottom-end" shadow="md">
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" c="var(--text)" size="lg" aria-label={t("space.menu")}>
              <Icon name="more" />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            {powers.invite && (
              <Menu.Item leftSection={<Icon name="invite" />} onClick={() => openDialog({ kind: "invite", roomId: spaceId })}>
                {t("menu.invite")}
              </Menu.Item>
            )}
            <Menu.Item leftSection={<Icon name="settings" />} onClick={() => void navigate({ to: "/room/$roomId", params: { roomId: spaceId }, search: { panel: "settings" } })}>
              {t("space.settings")}
            </Menu.Item>
            <Menu.Item leftSection={<Icon name="people" />} onClick={() => void navigate({ to: "/room/$roomId", params: { roomId: spaceId }, search: { panel: "members" } })}>
              {t("members.title")}
            </Menu.Item>
            <Menu.Item color="red" leftSection={<Icon name="leave" />} onClick={() => openDialog({ kind: "leave", roomId: spaceId })}>
              {t("space.leave")}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      <div className={classes.body}>
        {head.topic && <Text>{head.topic}</Text>}
        {powers.children && (
          <Group gap="xs">
            <Button size="xs" leftSection={<Icon name="plus" size={16} />} onClick={() => openDialog({ kind: "room", space: spaceId, of: "room" })}>
              {t("space.newRoom")}
            </Button>
            <Button size="xs" variant="default" onClick={() => openDialog({ kind: "addRooms", spaceId })}>
              {t("space.addRooms")}
            </Button>
            <Button size="xs" variant="default" onClick={() => openDialog({ kind: "room", space: spaceId, of: "space" })}>
              {t("space.newInside")}
            </Button>
          </Group>
        )}
        {loading && <Loader role="status" size="sm" aria-label={t("loading")} />}
        <ul className={classes.list} aria-label={t("space.rooms")}>
          {rooms.map((r) => (
            <li key={r.id}>
              <OutsideCard room={r}>
                {powers.children && (
                  <ActionIcon variant="subtle" color="gray" c="var(--quiet)" aria-label={t("space.remove", { name: r.name })} title={t("space.remove", { name: r.name })} onClick={() => void act(async () => (await removeFromSpace(spaceId, r.id), again()))}>
                    <Icon name="close" size={16} />
                  </ActionIcon>
                )}
              </OutsideCard>
            </li>
          ))}
        </ul>
        {!loading && rooms.length === 0 && <Text c="var(--quiet)">{t("space.empty")}</Text>}
      </div>
    </main>
  );
}

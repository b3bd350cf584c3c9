import { Button, Group, Paper, Stack, Text, Textarea } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { join, knock, type Outside } from "@/matrix/directory.ts";
import { useRoomHead } from "@/matrix/room.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";

interface Props {
  room: Outside;
  via?: readonly string[];
  onDone?: () => void;
  /** Further buttons. */
  children?: React.ReactNode;
}

/** A room or a space as one sees it from outside, with the way in that it has: open, join, ask, or none. */
export function OutsideCard({ room, via = [], onDone, children }: Props) {
  const { t } = useTranslation("rooms");
  return (
    <Paper withBorder p="sm" radius="md">
      <Group wrap="nowrap" align="flex-start">
        <Avatar id={room.id} name={room.name} mxc={room.avatar} size={44} />
        <div style={{ minInlineSize: 0, flex: 1 }}>
          <Text fw={650} truncate>
            {room.name}
          </Text>
          <Text size="sm" c="var(--quiet)">
            {[room.alias, t("members.count", { count: room.members }), room.space ? t("space.one") : ""].filter((s) => s !== "").join(" · ")}
          </Text>
          {room.topic && (
            <Text size="sm" lineClamp={3} mt={4}>
              {room.topic}
            </Text>
          )}
        </div>
        <Group gap="xs" wrap="nowrap">
          {children}
          <WayIn room={room} via={via} onDone={onDone} />
        </Group>
      </Group>
    </Paper>
  );
}

function WayIn({ room, via, onDone }: { room: Outside; via: readonly string[]; onDone: (() => void) | undefined }) {
  const { t } = useTranslation("rooms");
  const { standing } = useRoomHead(room.id);
  const navigate = useNavigate();
  const { busy, act } = useAct();
  const [asking, setAsking] = useState(false);
  const [why, setWhy] = useState("");
  const open = async (id: string) => {
    onDone?.();
    await (room.space ? navigate({ to: "/space/$spaceId", params: { spaceId: id } }) : navigate({ to: "/room/$roomId", params: { roomId: id } }));
  };
  if (standing === "join") {
    return (
      <Button size="xs" variant="default" onClick={() => void open(room.id)}>
        {t("join.open")}
      </Button>
    );
  }
  if (standing === "knock") {
    return (
      <Text size="sm" c="var(--quiet)">
        {t("knocked")}
      </Text>
    );
  }
  if (room.joinRule === "knock" || room.joinRule === "knock_restricted") {
    return asking ? (
      <Stack gap="xs">
        <Textarea size="xs" label={t("join.why")} value={why} onChange={(e) => setWhy(e.currentTarget.value)} data-autofocus />
        <Button size="xs" loading={busy} onClick={() => void act(() => knock(room.id, why.trim(), via), t("join.asked"))}>
          {t("join.ask")}
        </Button>
      </Stack>
    ) : (
      <Button size="xs" onClick={() => setAsking(true)}>
        {t("join.knock")}
      </Button>
    );
  }
  if (room.joinRule === "invite" && standing !== "invite") {
    return (
      <Text size="sm" c="var(--quiet)">
        {t("join.inviteOnly")}
      </Text>
    );
  }
  return (
    <Button size="xs" loading={busy} onClick={() => void act(async () => open(await join(room.id, via)))}>
      {t("join.join")}
    </Button>
  );
}

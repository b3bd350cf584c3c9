import { Group, Title } from "@mantine/core";
import { useRoomHead } from "@/matrix/room.ts";
import { Avatar } from "@/ui/Avatar.tsx";

export function RoomHeader({ roomId }: { roomId: string }) {
  const head = useRoomHead(roomId);
  return (
    <Group component="header" p="xs" wrap="nowrap" style={{ borderBlockEnd: "1px solid var(--line)" }}>
      <Avatar id={roomId} name={head.name} mxc={head.avatar} />
      <Title order={1} size="h4">
        {head.name}
      </Title>
    </Group>
  );
}

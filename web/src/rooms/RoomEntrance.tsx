import { Button, Center, Group, Loader, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { useClientState } from "@/matrix/client.ts";
import { forget, join, leave, summary } from "@/matrix/directory.ts";
import { setIgnored, usePerson } from "@/matrix/people.ts";
import { type RoomHead, useRoomHead } from "@/matrix/room.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { Back } from "./Back.tsx";
import { OutsideCard } from "./OutsideCard.tsx";
import classes from "./Page.module.css";

/** What is shown of a room that the user is not in: an invitation, a request that waits, the way in, or that it is over. */
export function RoomEntrance({ roomId }: { roomId: string }) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  return (
    <main className={classes.page}>
      <div className={classes.head}>
        <Back />
        <Title order={1} size="h4" lineClamp={1}>
          {head.standing === "unknown" && head.name === roomId ? t("join.title") : head.name}
        </Title>
      </div>
      <Center p="md" mih="60%">
        <Entrance roomId={roomId} head={head} />
      </Center>
    </main>
  );
}

function Entrance({ roomId, head }: { roomId: string; head: RoomHead }) {
  const caughtUp = useClientState((s) => s.caughtUp);
  const { t } = useTranslation("rooms");
  switch (head.standing) {
    case "invite":
      return <Invitation roomId={roomId} head={head} />;
    case "knock":
      return <Waiting roomId={roomId} head={head} />;
    case "leave":
    case "ban":
      return <Over roomId={roomId} head={head} />;
    default:
      return caughtUp ? <Unknown roomId={roomId} /> : <Loader role="status" aria-label={t("loading")} />;
  }
}

function Invitation({ roomId, head }: { roomId: string; head: RoomHead }) {
  const { t } = useTranslation("rooms");
  const inviter = usePerson(head.inviter);
  const navigate = useNavigate();
  const { busy, act } = useAct();
  const accept = () =>
    act(async () => {
      const id = await join(roomId);
      await (head.space ? navigate({ to: "/space/$spaceId", params: { spaceId: id } }) : navigate({ to: "/room/$roomId", params: { roomId: id } }));
    });
  const decline = (ignore: boolean) =>
    act(async () => {
      if (ignore) await setIgnored(head.inviter, true);
      await leave(roomId);
      await navigate({ to: "/" });
    });
  return (
    <Paper withBorder p="xl" radius="lg" maw="30rem">
      <Stack align="center" ta="center">
        <Avatar id={head.direct ?? roomId} name={head.name} mxc={head.avatar} size={72} />
        <div>
          <Title order={2} size="h3">
            {head.name}
          </Title>
          <Text c="var(--quiet)" mt={4}>
            {head.direct ? t("inviteCard.direct", { name: inviter.name }) : head.space ? t("inviteCard.space", { name: inviter.name }) : t("inviteCard.room", { name: inviter.name })}
          </Text>
          <Text size="sm" c="var(--quiet)">
            {head.inviter} <ExternalMark userId={head.inviter} />
          </Text>
        </div>
        {head.topic && <Text size="sm">{head.topic}</Text>}
        <Group justify="center">
          <Button loading={busy} onClick={() => void accept()}>
            {t("inviteCard.accept")}
          </Button>
          <Button variant="default" disabled={busy} onClick={() => void decline(false)}>
            {t("inviteCard.decline")}
          </Button>
          <Button variant="subtle" color="red" disabled={busy} onClick={() => void decline(true)}>
            {t("inviteCard.ignore", { name: inviter.name })}
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}

function Waiting({ roomId, head }: { roomId: string; head: RoomHead }) {
  const { t } = useTranslation("rooms");
  const navigate = useNavigate();
  const { busy, act } = useAct();
  return (
    <Stack align="center" maw="28rem" ta="center">
      <Avatar id={roomId} name={head.name} mxc={head.avatar} size={72} />
      <Text>{t("join.waiting", { name: head.name })}</Text>
      <Button variant="default" loading={busy} onClick={() => void act(async () => (await leave(roomId), await navigate({ to: "/" })))}>
        {t("menu.withdraw")}
      </Button>
    </Stack>
  );
}

function Over({ roomId, head }: { roomId: string; head: RoomHead }) {
  const { t } = useTranslation("rooms");
  const navigate = useNavigate();
  const { busy, act } = useAct();
  return (
    <Stack align="center" maw="28rem" ta="center">
      <Avatar id={roomId} name={head.name} mxc={head.avatar} size={72} />
      <Text>{head.standing === "ban" ? t("over.banned", { name: head.name }) : t("over.left", { name: head.name })}</Text>
      <Group>
        {head.standing === "leave" && (
          <Button loading={busy} onClick={() => void act(() => join(roomId))}>
            {t("over.back")}
          </Button>
        )}
        <Button variant="default" disabled={busy} onClick={() => void act(async () => (await forget(roomId), await navigate({ to: "/" })))}>
          {t("over.forget")}
        </Button>
      </Group>
    </Stack>
  );
}

function Unknown({ roomId }: { roomId: string }) {
  const { t } = useTranslation("rooms");
  const { data, isPending } = useQuery({ queryKey: ["summary", roomId], queryFn: () => summary(roomId), retry: false });
  if (isPending) return <Loader role="status" aria-label={t("loading")} />;
  if (!data) return <Text>{t("join.notThere")}</Text>;
  return (
    <div style={{ inlineSize: "min(40rem, 100%)" }}>
      <OutsideCard room={data} />
    </div>
  );
}

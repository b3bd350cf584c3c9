import { Button, Center, Group, Stack, Text, Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useMe } from "@/matrix/people.ts";
import { Icon } from "@/ui/Icon.tsx";
import { openDialog } from "./state.ts";

/** What stands beside the list while no room is open. */
export function RoomsHome() {
  const { t } = useTranslation("rooms");
  const me = useMe();
  const navigate = useNavigate();
  return (
    <Center component="main" h="100%" p="md">
      <Stack align="center" ta="center" maw="28rem">
        <Title order={1} size="h2">
          {t("home.hello", { name: me.name })}
        </Title>
        <Text c="var(--quiet)">{t("home.choose")}</Text>
        <Group justify="center">
          <Button leftSection={<Icon name="person" />} onClick={() => openDialog({ kind: "chat" })}>
            {t("new.chat")}
          </Button>
          <Button variant="default" leftSection={<Icon name="compass" />} onClick={() => void navigate({ to: "/explore" })}>
            {t("explore.title")}
          </Button>
        </Group>
      </Stack>
    </Center>
  );
}

import { Center, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** What stands beside the list while no room is open. */
export function RoomsHome() {
  const { t } = useTranslation("rooms");
  return (
    <Center component="main" h="100%">
      <Text c="var(--quiet)">{t("choose")}</Text>
    </Center>
  );
}

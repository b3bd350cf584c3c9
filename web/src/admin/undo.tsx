import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import i18next from "i18next";

/** Says what was done and offers for a while to undo it. */
export function showUndo(done: string, undo: () => Promise<unknown>): void {
  const t = i18next.getFixedT(null, "admin");
  const id = notifications.show({
    color: "teal",
    role: "status",
    autoClose: 12_000,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{done}</Text>
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => {
            notifications.hide(id);
            void undo();
          }}
        >
          {t("undo")}
        </Button>
      </Group>
    ),
  });
}

import { ScrollArea, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useMessages } from "@/matrix/timeline.ts";

export function Timeline({ roomId }: { roomId: string }) {
  const { t } = useTranslation("timeline");
  const messages = useMessages(roomId);
  return (
    <ScrollArea role="log" aria-label={t("log")} p="md">
      {messages.map((m) => (
        <div key={m.id}>
          <Text span fw={650}>
            {m.sender}
          </Text>{" "}
          <Text span>{m.body}</Text>
        </div>
      ))}
    </ScrollArea>
  );
}

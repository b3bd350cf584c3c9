import { Button, Group, Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { sendText } from "@/matrix/timeline.ts";

export function Composer({ roomId }: { roomId: string }) {
  const { t } = useTranslation("composer");
  const [text, setText] = useState("");
  const send = () => {
    if (text.trim() === "") return;
    void sendText(roomId, text);
    setText("");
  };
  return (
    <Group component="form" p="xs" wrap="nowrap" onSubmit={(e: React.FormEvent) => (e.preventDefault(), send())}>
      <Textarea
        flex={1}
        autosize
        maxRows={10}
        aria-label={t("message")}
        value={text}
        onChange={(e) => setText(e.currentTarget.value)}
        onKeyDown={(e) => {
          if (e.key === "Enter" && !e.shiftKey && !e.nativeEvent.isComposing) {
            e.preventDefault();
            send();
          }
        }}
      />
      <Button type="submit">{t("send")}</Button>
    </Group>
  );
}

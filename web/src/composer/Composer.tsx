import { Button, Group, Text } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type MaySend, useMaySend } from "@/matrix/sendRoom.ts";
import { join } from "@/matrix/sendCommands.ts";
import { reasonOf } from "@/matrix/outbox.ts";
import classes from "./Composer.module.css";
import { Field } from "./Field.tsx";

/** Where one writes to a room or a thread; where one may not, why. */
export function Composer({ roomId, threadId }: { roomId: string; threadId?: string | undefined }) {
  const may = useMaySend(roomId);
  if (!may.may) return may.why === "unknown" ? <div /> : <MayNot may={may} />;
  return <Field key={`${roomId} ${threadId ?? ""}`} roomId={roomId} threadId={threadId} mayRoom={may.room} encrypted={may.encrypted} />;
}

function MayNot({ may }: { may: Exclude<MaySend, { may: true }> }) {
  const { t } = useTranslation("composer");
  const navigate = useNavigate();
  const [error, setError] = useState("");
  const go = async (by: string) => {
    try {
      await navigate({ to: "/room/$roomId", params: { roomId: await join(by) } });
    } catch (err) {
      setError(reasonOf(err).message);
    }
  };
  return (
    <Group className={classes.mayNot} role="note" justify="center">
      <Text size="sm" c="var(--quiet)">
        {t(`mayNot.${may.why}`)}
      </Text>
      {may.why === "replaced" && (
        <Button size="xs" variant="light" onClick={() => void go(may.by)}>
          {t("mayNot.go")}
        </Button>
      )}
      {error !== "" && (
        <Text size="sm" role="alert" c="var(--mention)">
          {error}
        </Text>
      )}
    </Group>
  );
}

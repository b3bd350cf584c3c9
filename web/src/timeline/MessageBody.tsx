import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { FileBody } from "@/files/FileBody.tsx";
import type { Message } from "@/matrix/message.ts";
import { Html, PlainText } from "./html.tsx";
import { Location } from "./Location.tsx";
import { Poll } from "./Poll.tsx";
import { useTimelineHandle } from "./state.ts";
import classes from "./Message.module.css";

/** What a message says. */
export function MessageBody({ message }: { message: Message }) {
  const { t } = useTranslation("timeline");
  const { place } = useTimelineHandle();
  const { body } = message;
  switch (body.kind) {
    case "text": {
      const inner = body.html === null ? <PlainText text={body.text} /> : <Html html={body.html} text={body.text} />;
      return body.style === "notice" ? <div className={classes.notice}>{inner}</div> : inner;
    }
    case "file":
      return (
        <>
          <FileBody file={body.file} roomId={place.roomId} eventId={message.id} />
          {body.file.caption !== "" && <PlainText text={body.file.caption} />}
        </>
      );
    case "location":
      return <Location place={body} />;
    case "poll":
      return <Poll id={message.id} />;
    case "redacted": {
      const said = body.by === null ? t("deleted") : t("deletedBy", { who: body.by });
      return (
        <Text span c="var(--quiet)" fs="italic">
          {body.reason === "" ? said : `${said} (${body.reason})`}
        </Text>
      );
    }
    case "decrypting":
      return (
        <Text span c="var(--quiet)">
          {t("decrypting")}
        </Text>
      );
    case "unknown":
      return (
        <Text span size="sm" c="var(--quiet)">
          {body.text === "" ? t("unknown", { type: body.type }) : body.text}
        </Text>
      );
    default:
      return null;
  }
}

import type { TFunction } from "i18next";
import type { Body } from "@/matrix/message.ts";
import { plainText } from "@/matrix/messageText.ts";

/** One line that stands for a message, with words for what has no text. */
export function inBrief(body: Body | null, t: TFunction<"timeline">): string {
  const text = plainText(body);
  switch (body?.kind) {
    case "file":
      return body.file.caption !== "" ? text : `${t(`file.${body.file.kind}`)}${text === "" || body.file.kind === "voice" || body.file.kind === "sticker" ? "" : `: ${text}`}`;
    case "poll":
      return t("poll.name");
    case "location":
      return text || t("location");
    case "redacted":
      return t("deleted");
    case "unreadable":
    case "decrypting":
      return t("locked");
    case "state":
      return body.words.map((w) => t(`state.${w.name}`, w.values)).join(", ");
    case undefined:
      return t("gone");
    default:
      return text;
  }
}

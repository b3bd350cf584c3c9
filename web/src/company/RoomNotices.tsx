import { Anchor } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useRoomRules } from "@/matrix/company.ts";
import { Icon } from "@/ui/Icon.tsx";
import { useKept } from "./kept.ts";
import classes from "./company.module.css";

/** What the organisation's rules mean for this room, in a sentence each, above the composer. */
export function RoomNotices({ roomId }: { roomId: string }) {
  const { t, i18n } = useTranslation("company");
  const { recording } = useRoomRules(roomId);
  const kept = useKept(roomId);
  if (recording === null && kept === null) return null;
  const who = recording ? new Intl.ListFormat(i18n.language, { type: "disjunction" }).format(recording.officers) : "";
  return (
    <div className={classes.notices} role="note" aria-label={t("notices")}>
      {recording && (
        <div className={classes.notice} data-recorded="">
          <Icon name="record" size={16} />
          <span>
            {recording.text || t("recorded.plain")} {recording.receipts && `${t("recorded.receipts")} `}
            {who ? t("recorded.unseal", { who }) : t("recorded.unsealNobody")}{" "}
            {recording.url && (
              <Anchor href={recording.url} target="_blank" rel="noreferrer" size="sm">
                {t("recorded.read")}
              </Anchor>
            )}
          </span>
        </div>
      )}
      {kept !== null && (
        <div className={classes.notice}>
          <Icon name="clock" size={16} />
          <span>{kept}</span>
        </div>
      )}
    </div>
  );
}

import { useTranslation } from "react-i18next";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { useQuoted } from "@/matrix/relations.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./Parts.module.css";
import { useTimelineHandle } from "./state.ts";
import { inBrief } from "./words.ts";

/** The message that another one answers, in one line; it leads there. */
export function Quote({ id }: { id: string }) {
  const { t } = useTranslation("timeline");
  const { place, jumpTo } = useTimelineHandle();
  const quoted = useQuoted(place.roomId, id);
  if (quoted === undefined) return <div className={classes.quote} />;
  if (quoted === null) return <div className={classes.quote}>{t("quoteGone")}</div>;
  const text = inBrief(quoted.body, t);
  return (
    <button type="button" className={classes.quote} onClick={() => jumpTo(id)} title={t("quoteJump")}>
      <Avatar id={quoted.sender.id} name={quoted.sender.name} mxc={quoted.sender.avatar} size={16} />
      <b>{quoted.sender.name}</b>
      <ExternalMark userId={quoted.sender.id} />
      <span>{text}</span>
    </button>
  );
}

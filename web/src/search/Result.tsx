import { UnstyledButton } from "@mantine/core";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { originOf } from "@/matrix/searchNames.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { moment } from "@/ui/when.ts";
import { excerpt } from "./excerpt.ts";
import type { Hit } from "./index.ts";
import type { Atom } from "./query.ts";
import classes from "./Search.module.css";

interface Props {
  hit: Hit;
  atoms: readonly Atom[];
  withRoom: boolean;
  onOpen: (hit: Hit) => void;
}

/** A message that was found; it leads to its place. */
export const Result = memo(function Result({ hit, atoms, withRoom, onOpen }: Props) {
  const { t, i18n } = useTranslation("search");
  const { sender, room } = originOf(hit.roomId, hit.sender);
  const pieces = useMemo(() => excerpt(hit.text, atoms), [hit.text, atoms]);
  return (
    <UnstyledButton className={classes.result} onClick={() => onOpen(hit)}>
      <Avatar id={sender.id} name={sender.name} mxc={sender.avatar} size={32} />
      <span style={{ minInlineSize: 0 }}>
        <span className={classes.who}>
          <span className={classes.name}>{sender.name}</span>
          <ExternalMark userId={sender.id} />
          <time className={classes.when} dateTime={new Date(hit.ts).toISOString()}>
            {moment(hit.ts, i18n.language)}
          </time>
        </span>
        {withRoom && <span className={classes.room} style={{ display: "block" }}>{t("inRoom", { room })}</span>}
        <span className={classes.text}>
          {pieces.map((p, i) => (p.hit ? <mark key={i}>{p.text}</mark> : <span key={i}>{p.text}</span>))}
          {hit.edited && <span className={classes.room}> {t("edited")}</span>}
        </span>
      </span>
    </UnstyledButton>
  );
});

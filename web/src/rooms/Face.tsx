import { useTranslation } from "react-i18next";
import { usePresence } from "@/matrix/presence.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import classes from "./Face.module.css";

interface Props {
  userId: string;
  name: string;
  mxc: string | null;
  size?: number;
  /** Says the presence to screen readers too, where no words beside it do. */
  spoken?: boolean;
}

/** A person's picture with a dot that says whether they are there: its form differs as well as its colour. */
export function Face({ userId, name, mxc, size = 36, spoken = false }: Props) {
  const { t } = useTranslation("rooms");
  const { state } = usePresence(userId);
  return (
    <span className={classes.face} style={{ inlineSize: size, blockSize: size }}>
      <Avatar id={userId} name={name} mxc={mxc} size={size} />
      {(state === "online" || state === "away") && (
        <span className={classes.dot} data-state={state} title={t(`presence.${state}`)} role={spoken ? "img" : undefined} aria-label={spoken ? t(`presence.${state}`) : undefined} />
      )}
    </span>
  );
}

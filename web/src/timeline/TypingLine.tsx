import { useTranslation } from "react-i18next";
import { useTyping } from "@/matrix/receipts.ts";
import classes from "./Timeline.module.css";

/** Who is writing just now. */
export function TypingLine({ roomId }: { roomId: string }) {
  const { t } = useTranslation("timeline");
  const names = useTyping(roomId);
  const [one = "", two = ""] = names;
  const text = names.length === 0 ? "" : names.length === 1 ? t("typing.one", { one }) : names.length === 2 ? t("typing.two", { one, two }) : t("typing.many", { one, more: names.length - 1 });
  return (
    <div className={classes.typing} aria-live="polite" data-shown={text === "" ? undefined : ""}>
      {text !== "" && (
        <>
          <span className={classes.dots} aria-hidden>
            <i />
            <i />
            <i />
          </span>
          {text}
        </>
      )}
    </div>
  );
}

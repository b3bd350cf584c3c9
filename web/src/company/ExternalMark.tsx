import { useTranslation } from "react-i18next";
import { isExternal } from "@/matrix/company.ts";
import classes from "./company.module.css";

/** Says that a person is not of this organisation; nothing for those who are. */
export function ExternalMark({ userId }: { userId: string }) {
  // A timeline has hundreds of these: those who belong here cost nothing.
  return isExternal(userId) ? <Mark userId={userId} /> : null;
}

function Mark({ userId }: { userId: string }) {
  const { t } = useTranslation("company");
  return (
    <span className={classes.external} title={t("external.title", { server: userId.slice(userId.indexOf(":") + 1) })}>
      {t("external.mark")}
    </span>
  );
}

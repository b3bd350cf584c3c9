import { useTranslation } from "react-i18next";
import classes from "./Search.module.css";

const examples = ["word", "phrase", "from", "in", "date", "has"] as const;

/** What can be typed. */
export function Hints() {
  const { t } = useTranslation("search");
  return (
    <div className={classes.hint}>
      <span>{t("hint.title")}</span>
      <dl>
        {examples.map((e) => (
          <div key={e} style={{ display: "contents" }}>
            <dt>{t(`hint.${e}`)}</dt>
            <dd>{t(`hint.${e}Means`)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

import { useTranslation } from "react-i18next";
import { clockOptions, useAppearance } from "@/app/appearance.ts";
import { formatter } from "@/ui/when.ts";
import { dayOf } from "./rows.ts";

/** Times as the user reads them: their language and their clock. */
export function useTimes(): { time: (at: number) => string; full: (at: number) => string; day: (at: number) => string; short: (at: number) => string } {
  const { i18n, t } = useTranslation("timeline");
  const { clock } = useAppearance();
  const hours = clockOptions(clock);
  const language = i18n.language;
  return {
    time: (at) => formatter(language, { timeStyle: "short", ...hours }).format(at),
    full: (at) => formatter(language, { dateStyle: "full", timeStyle: "short", ...hours }).format(at),
    day: (at) => {
      const today = Date.now();
      if (dayOf(at) === dayOf(today)) return t("today");
      if (dayOf(at) === dayOf(today - 86_400_000)) return t("yesterday");
      return formatter(language, { weekday: "long", day: "numeric", month: "long", ...(new Date(at).getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" }) }).format(at);
    },
    short: (at) => (dayOf(at) === dayOf(Date.now()) ? formatter(language, { timeStyle: "short", ...hours }).format(at) : formatter(language, { day: "numeric", month: "short" }).format(at)),
  };
}

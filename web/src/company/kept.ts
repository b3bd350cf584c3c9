import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { spellAge, useRoomMaxAge } from "@/matrix/retention.ts";

/** A time as it stands after "after": 30 days, 2 weeks, 1 year. t is of this folder. */
export function ageWords(t: TFunction<"company">, ms: number): string {
  const { unit, count } = spellAge(ms);
  return t(`age.${unit}`, { count });
}

/** The sentence that says when a room's messages are deleted; null if they are kept. */
export function useKept(roomId: string): string | null {
  const { t } = useTranslation("company");
  const age = useRoomMaxAge(roomId);
  return age === null ? null : t("retention", { age: ageWords(t, age) });
}

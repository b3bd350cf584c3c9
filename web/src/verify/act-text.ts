import type { TFunction } from "i18next";
import type { SecurityEvent } from "@/matrix/security.ts";

/** The sentence for an act. */
export function actText(t: TFunction<"verify">, e: SecurityEvent): string {
  const subject = e.subject_name && e.subject ? `${e.subject_name} (${e.subject})` : (e.subject ?? "");
  return t(`history.act.${e.action.replace(".", "_")}`, { subject, defaultValue: e.action });
}

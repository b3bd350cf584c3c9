import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { useCallback, useState } from "react";
import { ApiError, OfflineError } from "@/matrix/api.ts";

/** What went wrong, in the user's language where the server gave a code that we know, and in the server's own words otherwise. */
export function errorText(err: unknown): string {
  const t = i18next.getFixedT(null, "ui");
  if (err instanceof OfflineError) return t("error.offline");
  if (err instanceof ApiError) {
    if (err.code === "M_LIMIT_EXCEEDED") return t("error.limit");
    if (err.code === "M_WEAK_PASSWORD") return t("error.weakPassword");
    if (err.code === "M_TOO_LARGE") return t("error.tooLarge");
    if (err.status >= 500) return t("error.server");
    return t("error.refused", { reason: err.message });
  }
  return t("error.refused", { reason: err instanceof Error ? err.message : String(err) });
}

/** Runs an act: busy while it runs, a note when it is done, another when it failed. The answer of run says which. */
export function useAct(): { busy: boolean; run: (act: () => Promise<unknown>, done?: string) => Promise<boolean> } {
  const [busy, setBusy] = useState(false);
  const run = useCallback(async (act: () => Promise<unknown>, done?: string) => {
    setBusy(true);
    try {
      await act();
      if (done) notifications.show({ message: done, color: "teal", role: "status" });
      return true;
    } catch (err) {
      notifications.show({ message: errorText(err), color: "red", role: "alert", autoClose: 10_000 });
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, run };
}

import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { useCallback, useState } from "react";
import { failure } from "@/matrix/failure.ts";

/** What went wrong, in the user's language where the server gave a code that we know, and in the server's own words otherwise. */
export function errorText(err: unknown): string {
  const { kind, reason } = failure(err);
  return i18next.t(`error.${kind}`, { ns: "ui", reason });
}

/** Does something at the server: busy while it lasts, a note when it is done, another when it failed. The answer says which. */
export function useAct(): { busy: boolean; act: (what: () => Promise<unknown>, done?: string) => Promise<boolean> } {
  const [busy, setBusy] = useState(false);
  const act = useCallback(async (what: () => Promise<unknown>, done?: string) => {
    setBusy(true);
    try {
      await what();
      if (done) notifications.show({ message: done, color: "teal", role: "status" });
      return true;
    } catch (err) {
      notifications.show({ message: errorText(err), color: "red", role: "alert", autoClose: 10_000 });
      return false;
    } finally {
      setBusy(false);
    }
  }, []);
  return { busy, act };
}

import { notifications } from "@mantine/notifications";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { failure } from "@/matrix/roomserror.ts";

/** Words for what went wrong. */
export function useReason(): (err: unknown) => string {
  const { t } = useTranslation("rooms");
  return useCallback(
    (err: unknown) => {
      const { kind, message } = failure(err);
      return kind === "other" ? t("error.other", { message }) : t(`error.${kind}`);
    },
    [t],
  );
}

/** Does something at the server: busy while it lasts, and says what went wrong. Gives whether it worked. */
export function useAct(): { busy: boolean; act: (what: () => Promise<unknown>, done?: string) => Promise<boolean> } {
  const { t } = useTranslation("rooms");
  const reason = useReason();
  const [busy, setBusy] = useState(false);
  const act = useCallback(
    async (what: () => Promise<unknown>, done?: string) => {
      setBusy(true);
      try {
        await what();
        if (done) notifications.show({ message: done, closeButtonProps: { "aria-label": t("close") } });
        return true;
      } catch (err) {
        notifications.show({ color: "red", message: reason(err), autoClose: 10_000, closeButtonProps: { "aria-label": t("close") } });
        return false;
      } finally {
        setBusy(false);
      }
    },
    [reason, t],
  );
  return { busy, act };
}

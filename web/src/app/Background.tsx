import { useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { withTexts } from "@/app/language.ts";
import { useEncryption } from "@/matrix/encryption.ts";
import { useClientState } from "@/matrix/client.ts";
import { watchForAlerts } from "@/matrix/notifications-desktop.ts";
import { watchList } from "@/matrix/rooms.ts";

const alerts = withTexts(["verify"], async () => (await import("@/verify/securityAlert.tsx")).startSecurityAlerts);

/** What goes on while somebody is signed in, whichever page is open: notifications, and the index of messages once the app is at rest. */
export function Background() {
  const { t } = useTranslation("app");
  const router = useRouter();
  useEffect(
    () =>
      watchForAlerts((a) => {
        const title = a.sender === "" ? t("alert.title") : a.room === a.sender || a.room === "" ? a.sender : t("alert.in", { sender: a.sender, room: a.room });
        const body = a.sender === "" ? t("alert.hidden") : a.text || t("alert.noText");
        try {
          const n = new Notification(title, { body, tag: a.roomId, icon: "/icon-192.png" });
          n.onclick = () => {
            window.focus();
            void router.navigate({ to: "/room/$roomId", params: { roomId: a.roomId }, search: {} });
            n.close();
          };
        } catch {
          // Phones' browsers show notifications of service workers only: those come by push.
        }
      }),
    [router, t],
  );
  useEffect(watchList, []);
  const synced = useClientState((s) => s.synced);
  useEffect(() => {
    if (!synced) return undefined;
    const timer = setTimeout(() => void import("@/search/service.ts").then((m) => m.startSearch()), 1000);
    return () => clearTimeout(timer);
  }, [synced]);
  const ready = useEncryption((s) => s.stage === "ready");
  useEffect(() => {
    if (!synced || !ready) return undefined;
    let stop: (() => void) | null = () => undefined;
    void alerts().then((start) => {
      if (stop) stop = start(() => void router.navigate({ to: "/settings/$page", params: { page: "encryption" } }));
    });
    return () => {
      stop?.();
      stop = null;
    };
  }, [synced, ready, router]);
  return null;
}

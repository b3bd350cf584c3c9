import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { switchWebPushOff, switchWebPushOn, webPushOn, webPushPossible } from "@/matrix/webpush.ts";
import { useAct } from "@/ui/act.ts";
import { SwitchRow } from "./Choices.tsx";

/** Notifications while no page of Conclave is open, where browser and server can do it. */
export function WebPush() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const state = useQuery({ queryKey: ["web push"], queryFn: async () => ((await webPushPossible()) ? { on: await webPushOn() } : null), staleTime: 0 });
  if (!state.data) return null;
  // Browsers that are built without a push service have all that is asked for above, and fail at the last step.
  const subscribe = () =>
    switchWebPushOn().catch((err: unknown) => {
      throw err instanceof DOMException && err.name === "AbortError" ? new Error(t("notify.noService")) : err;
    });
  const change = (on: boolean) =>
    act(async () => {
      if (on && !(await subscribe())) throw new Error(t("notify.refused"));
      if (!on) await switchWebPushOff();
      await queries.invalidateQueries({ queryKey: ["web push"] });
    });
  return <SwitchRow label={t("notify.closed")} text={t("notify.closedText")} checked={state.data.on} disabled={busy} onChange={(on) => void change(on)} />;
}

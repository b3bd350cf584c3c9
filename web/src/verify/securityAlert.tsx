import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { type SecurityEvent, watchSecurity } from "@/matrix/security.ts";
import { moment } from "@/ui/when.ts";
import { actText } from "./act-text.ts";

/** Tells the user of grave changes that another device made; it stays until the user has seen it. */
export const startSecurityAlerts = (show: () => void): (() => void) => watchSecurity((e) => tell(e, show));

function tell(e: SecurityEvent, show: () => void): void {
  const t = i18next.getFixedT(null, "verify");
  const device = e.actor === "server" ? t("history.server") : (e.actor ?? (e.device_name || e.device || ""));
  const id = notifications.show({
    color: "orange",
    role: "alert",
    autoClose: false,
    title: actText(t, e),
    closeButtonProps: { "aria-label": t("history.close") },
    message: (
      <>
        <Text size="sm">{t("history.alert", { at: moment(e.time, i18next.language), device })}</Text>
        <Group mt="xs">
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              show();
            }}
          >
            {t("history.show")}
          </Button>
        </Group>
      </>
    ),
  });
}

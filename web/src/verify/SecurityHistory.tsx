import { Alert, Box, Button, Group, Loader, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { type SecurityEvent, useSecurityHistory } from "@/matrix/security.ts";
import { errorText } from "@/ui/act.ts";
import { moment } from "@/ui/when.ts";
import { actText } from "./act-text.ts";

/** What happened to an account's keys, devices, password and addresses, for its owner to check; with userId, for an administrator. */
export function SecurityHistory({ userId }: { userId?: string }) {
  const { t } = useTranslation("verify");
  const history = useSecurityHistory(userId);
  if (history.isError) {
    return (
      <Alert color="red" role="alert">
        {errorText(history.error)}
      </Alert>
    );
  }
  if (!history.data) return <Loader role="status" aria-label={t("history.loading")} />;
  const events = history.data.pages.flatMap((p) => p.items);
  if (events.length === 0) return <Text c="var(--quiet)">{t("history.none")}</Text>;
  return (
    <Stack gap="sm">
      {userId === undefined && <Text>{t("history.text")}</Text>}
      <Stack component="ul" gap="sm" m={0} p={0} style={{ listStyle: "none" }} aria-label={t("history.title")}>
        {events.map((e) => (
          <Entry key={e.seq} event={e} />
        ))}
      </Stack>
      {history.hasNextPage && (
        <Group>
          <Button variant="default" loading={history.isFetchingNextPage} onClick={() => void history.fetchNextPage()}>
            {t("history.more")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Entry({ event: e }: { event: SecurityEvent }) {
  const { t, i18n } = useTranslation("verify");
  const who = e.actor === "server" ? t("history.server") : e.actor ? t("history.admin", { user: e.actor }) : "";
  const device = e.device && (e.device_name ? `${e.device_name} (${e.device})` : e.device);
  return (
    <Box component="li">
      <Text fw={500}>{actText(t, e)}</Text>
      <Text size="sm" c="var(--quiet)">
        {[moment(e.time, i18n.language), who, device, e.address].filter(Boolean).join(" · ")}
      </Text>
    </Box>
  );
}

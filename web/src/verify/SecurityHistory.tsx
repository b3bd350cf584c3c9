import { Alert, Box, Button, Group, Loader, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { type SecurityEvent, useSecurityHistory } from "@/matrix/security.ts";
import { errorText } from "@/ui/act.ts";
import { moment } from "@/ui/when.ts";
import { actText } from "./act-text.ts";

/** What happened to the account's keys, devices, password and addresses, for its owner to check. */
export function SecurityHistory() {
  const { t } = useTranslation("verify");
  const history = useSecurityHistory();
  if (history.isError) {
    return (
      <Alert color="red" role="alert">
        {errorText(history.error)}
      </Alert>
    );
  }
  if (!history.data) return <Loader role="status" aria-label={t("history.loading")} />;
  return (
    <Stack gap="sm">
      <Text>{t("history.text")}</Text>
      <Stack component="ul" gap="sm" m={0} p={0} style={{ listStyle: "none" }} aria-label={t("history.title")}>
        {history.data.pages.flatMap((p) => p.items).map((e) => (
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

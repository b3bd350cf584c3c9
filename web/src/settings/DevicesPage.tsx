import { Alert, Badge, Button, Group, Loader, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Device, endDevices, useDevices } from "@/matrix/devices.ts";
import { errorText } from "@/ui/act.ts";
import { ago } from "@/ui/when.ts";
import { ConfirmPassword } from "./ConfirmPassword.tsx";
import { RenameDevice } from "./RenameDevice.tsx";
import { Row, Section } from "./Section.tsx";

export function DevicesPage() {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const devices = useDevices();
  const [ending, setEnding] = useState<Device[]>([]);
  if (devices.isError) {
    return (
      <Alert color="red" role="alert" title={t("failed")}>
        {errorText(devices.error)}
      </Alert>
    );
  }
  if (!devices.data) return <Loader role="status" aria-label={t("loading")} />;
  const others = devices.data.filter((d) => !d.current);
  return (
    <>
      <Section title={t("devices.this")}>
        {devices.data.filter((d) => d.current).map((d) => <DeviceRow key={d.id} device={d} />)}
      </Section>
      <Section title={t("devices.others")} text={t("devices.othersText")}>
        {others.map((d) => (
          <DeviceRow key={d.id} device={d} onEnd={() => setEnding([d])} />
        ))}
        {others.length === 0 && (
          <Text p="md" c="var(--quiet)">
            {t("devices.none")}
          </Text>
        )}
        {others.length > 1 && (
          <Row label={t("devices.endAll")} text={t("devices.endAllText")}>
            <Button variant="outline" color="red" onClick={() => setEnding(others)}>
              {t("devices.endAll")}
            </Button>
          </Row>
        )}
      </Section>
      {ending.length > 0 && (
        <ConfirmPassword
          title={ending.length === 1 ? t("devices.endOne", { name: ending[0]?.name || ending[0]?.id }) : t("devices.endAll")}
          text={t("devices.endWarning", { count: ending.length })}
          action={t("devices.end")}
          danger
          onClose={() => setEnding([])}
          act={async (password) => {
            await endDevices(ending.map((d) => d.id), password);
            await queries.invalidateQueries({ queryKey: ["own devices"] });
          }}
        />
      )}
    </>
  );
}

function DeviceRow({ device, onEnd }: { device: Device; onEnd?: () => void }) {
  const { t, i18n } = useTranslation("settings");
  const [renaming, setRenaming] = useState(false);
  const name = device.name || device.id;
  const seen = device.lastSeen === null ? t("devices.never") : t("devices.seen", { when: ago(device.lastSeen, i18n.language) });
  return (
    <Row
      label={
        <Group gap="xs" component="span">
          <span>{name}</span>
          {device.verified === true && (
            <Badge color="teal" variant="light">
              {t("devices.verified")}
            </Badge>
          )}
          {device.verified === false && (
            <Badge color="orange" variant="light">
              {t("devices.unverified")}
            </Badge>
          )}
        </Group>
      }
      text={[device.current ? "" : seen, device.address, device.id].filter(Boolean).join(" · ")}
    >
      <Group gap="xs">
        <Button variant="default" aria-label={t("devices.renameOne", { name })} onClick={() => setRenaming(true)}>
          {t("devices.rename")}
        </Button>
        {onEnd && (
          <Button variant="outline" color="red" aria-label={t("devices.endOne", { name })} onClick={onEnd}>
            {t("devices.end")}
          </Button>
        )}
      </Group>
      {renaming && <RenameDevice device={device} onClose={() => setRenaming(false)} />}
    </Row>
  );
}

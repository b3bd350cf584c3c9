import { Alert, Button, Group, Loader, Modal, Stack, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Place as Spot } from "@/matrix/location.ts";
import { sendLocation } from "@/matrix/send.ts";
import type { Place } from "./state.ts";

const patience = 30_000; // milliseconds

/** Asks the browser where one is, and shows what it says before anything is sent. */
export function LocationDialog({ place, onClose }: { place: Place; onClose: () => void }) {
  const { t, i18n } = useTranslation("composer");
  const [spot, setSpot] = useState<Omit<Spot, "text"> | null>(null);
  const [error, setError] = useState("");
  useEffect(() => {
    let gone = false;
    navigator.geolocation.getCurrentPosition(
      ({ coords: { latitude, longitude, accuracy } }) => !gone && setSpot({ latitude, longitude, accuracy }),
      (err) => !gone && setError(err.code === err.PERMISSION_DENIED ? "place.denied" : "place.none"),
      { enableHighAccuracy: true, timeout: patience },
    );
    return () => {
      gone = true;
    };
  }, []);
  const send = () => {
    if (spot) void sendLocation(place, spot, t("place.mine"));
    onClose();
  };
  const number = (value: number, digits: number) => new Intl.NumberFormat(i18n.language, { maximumFractionDigits: digits }).format(value);
  return (
    <Modal opened onClose={onClose} title={t("place.title")} closeButtonProps={{ "aria-label": t("close") }} centered>
      <Stack>
        {error !== "" ? (
          <Alert color="red" role="alert">
            {t(error)}
          </Alert>
        ) : spot === null ? (
          <Group role="status">
            <Loader size="sm" aria-hidden />
            <Text>{t("place.asking")}</Text>
          </Group>
        ) : (
          <>
            <Text fw={600}>
              {number(spot.latitude, 5)}° / {number(spot.longitude, 5)}°
            </Text>
            {spot.accuracy !== null && <Text size="sm">{t("place.accuracy", { metres: number(spot.accuracy, 0) })}</Text>}
            <Text size="sm" c="var(--quiet)">
              {t("place.once")}
            </Text>
          </>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button disabled={spot === null} onClick={send}>
            {t("place.send")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

import { ActionIcon, Anchor, CopyButton, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { geoOf, type Place } from "@/matrix/location.ts";
import { PlainText } from "./html.tsx";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Parts.module.css";

/** A place: its coordinates open the device's own maps app. No map is fetched from anywhere. */
export function Location({ place }: { place: Place }) {
  const { t, i18n } = useTranslation("timeline");
  const degrees = new Intl.NumberFormat(i18n.language, { minimumFractionDigits: 5, maximumFractionDigits: 5 });
  const text = `${place.latitude.toFixed(5)}, ${place.longitude.toFixed(5)}`;
  return (
    <div className={classes.location} role="group" aria-label={t("location")}>
      <span className={classes.locationIcon}>
        <Icon name="place" size={22} />
      </span>
      <div className={classes.locationText}>
        {place.text === "" ? <Text fw={600}>{t("location")}</Text> : <PlainText text={place.text} />}
        <Anchor href={geoOf(place)} size="sm" title={t("openMap")}>
          {degrees.format(place.latitude)}° / {degrees.format(place.longitude)}°
        </Anchor>
        {place.accuracy !== null && place.accuracy > 0 && (
          <Text size="xs" c="var(--quiet)">
            {t("accuracy", { metres: new Intl.NumberFormat(i18n.language, { maximumFractionDigits: 0 }).format(place.accuracy) })}
          </Text>
        )}
      </div>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <ActionIcon variant="subtle" color="gray" onClick={copy} aria-label={copied ? t("copied") : t("copyPlace")} title={copied ? t("copied") : t("copyPlace")}>
            <Icon name={copied ? "check" : "copy"} />
          </ActionIcon>
        )}
      </CopyButton>
    </div>
  );
}

import { Button, FileButton, Group, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { cropSquare } from "./crop.ts";
import classes from "./Dialogs.module.css";

interface Props {
  /** What is shown now. */
  children: ReactNode;
  onPick: (picture: Blob) => void;
  onRemove?: (() => void) | undefined;
  busy?: boolean;
}

/** Takes a picture from the device and cuts it square. */
export function PicturePicker({ children, onPick, onRemove, busy = false }: Props) {
  const { t } = useTranslation("rooms");
  const [error, setError] = useState(false);
  const pick = async (file: File | null) => {
    if (file === null) return;
    setError(false);
    try {
      onPick(await cropSquare(file));
    } catch {
      setError(true);
    }
  };
  return (
    <div className={classes.picture}>
      {children}
      <div>
        <Group gap="xs">
          <FileButton accept="image/png,image/jpeg,image/webp,image/gif" onChange={(f) => void pick(f)} inputProps={{ "aria-label": t("picture.choose") }}>
            {(props) => (
              <Button variant="default" size="xs" loading={busy} {...props}>
                {t("picture.choose")}
              </Button>
            )}
          </FileButton>
          {onRemove && (
            <Button variant="subtle" color="gray" size="xs" onClick={onRemove}>
              {t("picture.remove")}
            </Button>
          )}
        </Group>
        {error && (
          <Text c="var(--mention)" size="sm" role="alert">
            {t("picture.unreadable")}
          </Text>
        )}
      </div>
    </div>
  );
}

/** Shows a picture that is not uploaded yet. */
export function useBlobUrl(blob: Blob | null): string | null {
  const [held, setHeld] = useState<{ blob: Blob; url: string } | null>(null);
  if (blob === null) return null;
  if (held?.blob === blob) return held.url;
  if (held) URL.revokeObjectURL(held.url);
  const url = URL.createObjectURL(blob);
  setHeld({ blob, url });
  return url;
}

import { Button, FileButton, Group } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Dialogs.module.css";

const PictureCrop = lazy(async () => ({ default: (await import("@/ui/PictureCrop.tsx")).PictureCrop }));

interface Props {
  /** What is shown now. */
  children: ReactNode;
  onPick: (picture: Blob) => void;
  onRemove?: (() => void) | undefined;
  busy?: boolean;
  /** Hears whether the dialog for the square is open, which lies over whatever this stands in. */
  onCropping?: (open: boolean) => void;
}

/** Takes a picture from the device and lets the user choose the square of it to show. */
export function PicturePicker({ children, onPick, onRemove, busy = false, onCropping }: Props) {
  const { t } = useTranslation("rooms");
  const [file, setFile] = useState<File | null>(null);
  const choose = (chosen: File | null) => {
    setFile(chosen);
    onCropping?.(chosen !== null);
  };
  return (
    <div className={classes.picture}>
      {children}
      <Group gap="xs">
        <FileButton accept="image/png,image/jpeg,image/webp,image/gif" onChange={choose} inputProps={{ "aria-label": t("picture.choose") }}>
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
      <Suspense>
        {file && (
          <PictureCrop
            file={file}
            busy={false}
            onClose={() => choose(null)}
            onDone={(picture) => {
              choose(null);
              onPick(picture);
            }}
          />
        )}
      </Suspense>
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

import { ActionIcon, Loader, Modal, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { pressed } from "@/keyboard/shortcuts.ts";
import { useShortcuts } from "@/keyboard/useShortcuts.ts";
import { type RoomFile, useRoomFiles } from "@/matrix/fileGallery.ts";
import { fileUrl, previewUrl, safeType, useBlobUrl } from "@/matrix/media.ts";
import { Icon } from "@/ui/Icon.tsx";
import { moment } from "@/ui/when.ts";
import classes from "./Lightbox.module.css";
import { problem, useDownload } from "./useDownload.ts";
import { ViewerHead, ZoomButtons } from "./ViewerHead.tsx";

interface Props {
  roomId: string;
  /** The picture that is shown first. */
  start: RoomFile;
  onClose: () => void;
}

const isImage = ({ file }: RoomFile): boolean => file.kind === "image" && (safeType(file.mime)?.startsWith("image/") ?? false);

/** Shows a picture as large as the window, and with the arrow keys the others of its room. */
export function Lightbox({ roomId, start, onClose }: Props) {
  const { t } = useTranslation("files");
  const { files, more, done } = useRoomFiles(roomId);
  const [shown, setShown] = useState(start);
  const images = files.filter(isImage);
  const at = images.findIndex((f) => f.eventId === shown.eventId);
  const current = images[at] ?? shown;
  const older = at >= 0 ? images[at + 1] : undefined;
  const newer = at > 0 ? images[at - 1] : undefined;
  const goOlder = () => {
    if (older) setShown(older);
    if (!done && at >= images.length - 3) void more();
  };
  const keys = (e: React.KeyboardEvent) => {
    if (pressed(e, "older")) goOlder();
    else if (pressed(e, "newer") && newer) setShown(newer);
    else return;
    e.preventDefault();
  };
  return (
    <Modal.Root opened onClose={onClose} fullScreen>
      <Modal.Overlay />
      <Modal.Content className={classes.content} aria-label={current.file.name} onKeyDown={keys}>
        <Picture key={current.eventId} shown={current} onClose={onClose} />
        {(older || (at >= 0 && !done)) && (
          <ActionIcon className={classes.older} size="xl" radius="xl" variant="default" aria-label={t("lightbox.older")} onClick={goOlder} disabled={!older}>
            <Icon name="left" size={20} />
          </ActionIcon>
        )}
        {newer && (
          <ActionIcon className={classes.newer} size="xl" radius="xl" variant="default" aria-label={t("lightbox.newer")} onClick={() => setShown(newer)}>
            <Icon name="right" size={20} />
          </ActionIcon>
        )}
      </Modal.Content>
    </Modal.Root>
  );
}

const zooms = [1, 1.5, 2, 3, 4, 6];

function Picture({ shown, onClose }: { shown: RoomFile; onClose: () => void }) {
  const { t, i18n } = useTranslation("files");
  const { file } = shown;
  const download = useDownload(file);
  const [zoom, setZoom] = useState(1);
  const type = safeType(file.mime) ?? "image/png";
  const small = useBlobUrl(`small ${shown.eventId}`, () => previewUrl(file) ?? fileUrl(file, type));
  const whole = useBlobUrl(`whole ${shown.eventId}`, () => fileUrl(file, type));
  const url = whole.url ?? small.url;
  const step = (by: 1 | -1) => setZoom(zooms[Math.min(zooms.length - 1, Math.max(0, zooms.indexOf(zoom) + by))] ?? 1);
  useShortcuts({ larger: () => step(1), smaller: () => step(-1) }, true);
  return (
    <>
      <ViewerHead
        name={file.name}
        note={shown.at > 0 ? t("lightbox.from", { name: shown.sender, date: moment(shown.at, i18n.language) }) : ""}
        saving={download.progress !== null}
        onSave={() => void download.save()}
        onClose={onClose}
      >
        <ZoomButtons least={zoom === 1} most={zoom === zooms.at(-1)} onStep={step} />
      </ViewerHead>
      <div
        className={classes.stage}
        data-zoomed={zoom > 1 || undefined}
        tabIndex={zoom > 1 ? 0 : -1}
        onWheel={(e) => e.ctrlKey && step(e.deltaY < 0 ? 1 : -1)}
        onDoubleClick={() => setZoom(zoom === 1 ? 2 : 1)}
      >
        {whole.error !== undefined ? (
          <Text role="alert">{t(problem(whole.error))}</Text>
        ) : url ? (
          <img src={url} alt={file.caption || file.name} style={zoom > 1 ? { inlineSize: `${zoom * 100}%` } : undefined} data-whole={whole.url ? "" : undefined} />
        ) : (
          <Loader />
        )}
      </div>
      {file.caption !== "" && <Text className={classes.caption}>{file.caption}</Text>}
    </>
  );
}

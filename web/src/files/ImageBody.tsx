import { Loader, UnstyledButton } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { FileInfo } from "@/matrix/file.ts";
import { fileUrl, previewUrl, useBlobUrl } from "@/matrix/media.ts";
import classes from "./files.module.css";
import { FileCard } from "./FileCard.tsx";
import { problem } from "./useDownload.ts";

const Lightbox = lazy(async () => ({ default: (await import("./Lightbox.tsx")).Lightbox }));

const widest = 400;
const highest = 320;

/** The box that a picture gets before anything of it is loaded, so that nothing moves when it is. */
export function boxOf(width: number | null, height: number | null, [maxWidth, maxHeight]: readonly [number, number] = [widest, highest]): { width: number; height: number } {
  if (!width || !height) return { width: Math.min(maxWidth, 320), height: Math.min(maxHeight, 240) };
  const scale = Math.min(1, maxWidth / width, maxHeight / height);
  // A very narrow picture still has to be found with a finger.
  return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

/** A picture in the timeline; a click shows it whole. */
export function ImageBody({ file, roomId, eventId }: { file: FileInfo; roomId: string; eventId: string }) {
  const { t } = useTranslation("files");
  const [opened, setOpened] = useState(false);
  const sticker = file.kind === "sticker";
  const { width, height } = boxOf(file.width, file.height, sticker ? [160, 160] : undefined);
  const { url, error } = useBlobUrl(`${eventId} ${file.url ?? file.encrypted?.url ?? ""}`, () => previewUrl(file) ?? fileUrl(file, file.mime || "image/png"));
  const [broken, setBroken] = useState(false);
  if (error !== undefined || broken) return <FileCard file={file} note={broken ? "error.picture" : problem(error)} />;
  const picture = url ? <img src={url} alt={sticker ? file.name : ""} onError={() => setBroken(true)} /> : <Loader size="sm" type="dots" />;
  const box = { maxInlineSize: width, aspectRatio: `${width} / ${height}` };
  if (sticker) {
    return (
      <div className={classes.picture} style={box} data-sticker>
        {picture}
      </div>
    );
  }
  return (
    <>
      <UnstyledButton className={classes.picture} style={box} aria-label={t("open", { name: file.name })} onClick={() => setOpened(true)}>
        {picture}
      </UnstyledButton>
      {opened && (
        <Suspense>
          <Lightbox roomId={roomId} start={{ eventId, senderId: "", sender: "", at: 0, file }} onClose={() => setOpened(false)} />
        </Suspense>
      )}
    </>
  );
}

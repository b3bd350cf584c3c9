import { CloseButton, Progress, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import type { FileInfo } from "@/matrix/file.ts";
import { previewUrl, useBlobUrl } from "@/matrix/media.ts";
import classes from "./files.module.css";
import { FileCard } from "./FileCard.tsx";
import { formatDuration } from "./format.ts";
import { boxOf } from "./ImageBody.tsx";
import { useDownload } from "./useDownload.ts";

/** A film: its preview, and after a click the film itself. Films are large: nothing of them is loaded before. */
export function VideoBody({ file, type }: { file: FileInfo; type: string }) {
  const { t } = useTranslation("files");
  const download = useDownload(file);
  const [film, setFilm] = useState<string>();
  const [broken, setBroken] = useState(false);
  const poster = useBlobUrl(file.thumbnail ? (file.thumbnail.encrypted?.url ?? file.thumbnail.url) : null, () => previewUrl(file) ?? Promise.reject(new Error("none")));
  const { width, height } = boxOf(file.width, file.height);
  const box = { maxInlineSize: width, aspectRatio: `${width} / ${height}` };
  const length = file.duration === null ? "" : formatDuration(file.duration);
  const label = [t("play", { name: file.name }), length].filter(Boolean).join(", ");
  if (broken || download.error !== "") return <FileCard file={file} note={download.error || "error.film"} />;
  if (film !== undefined) {
    // What is said in a film that somebody sent has no captions to offer.
    return <video className={classes.picture} style={box} src={film} controls autoPlay aria-label={file.name} onError={() => setBroken(true)} />;
  }
  return (
    <div className={classes.film} style={box}>
      <UnstyledButton className={classes.picture} style={box} aria-label={label} disabled={download.progress !== null} onClick={() => void download.open(type).then(setFilm)}>
        {poster.url && <img src={poster.url} alt="" />}
        <span className={classes.playBadge}>
          <Icon name="play" size={28} />
        </span>
        {length && <span className={classes.length}>{length}</span>}
      </UnstyledButton>
      {download.progress !== null && (
        <div className={classes.loading}>
          <Progress flex={1} value={download.progress * 100} aria-label={t("downloading", { name: file.name })} />
          <CloseButton size="sm" aria-label={t("cancel", { name: file.name })} onClick={download.cancel} />
        </div>
      )}
    </div>
  );
}

import { lazy, Suspense, useState } from "react";
import type { FileInfo } from "@/matrix/file.ts";
import { safeType } from "@/matrix/media.ts";
import { AudioBody } from "./AudioBody.tsx";
import classes from "./files.module.css";
import { FileCard } from "./FileCard.tsx";
import { ImageBody } from "./ImageBody.tsx";
import { previewOf } from "./preview.ts";
import { VideoBody } from "./VideoBody.tsx";

interface Props {
  file: FileInfo;
  roomId: string;
  eventId: string;
}

/** A file of a message, without its caption. What its type does not allow to be shown is a card to download. */
export function FileBody(props: Props) {
  return (
    <div className={classes.body}>
      <Content {...props} />
    </div>
  );
}

const DocumentViewer = lazy(async () => ({ default: (await import("./DocumentViewer.tsx")).DocumentViewer }));

/** A file to download; documents and texts can be looked at before. */
function OtherFile({ file }: { file: FileInfo }) {
  const [opened, setOpened] = useState(false);
  const kind = previewOf(file);
  return (
    <>
      <FileCard file={file} onOpen={kind === null ? undefined : () => setOpened(true)} />
      {opened && kind !== null && (
        <Suspense>
          <DocumentViewer file={file} kind={kind} onClose={() => setOpened(false)} />
        </Suspense>
      )}
    </>
  );
}

function Content({ file, roomId, eventId }: Props) {
  const type = safeType(file.mime);
  // A sticker's sender need not say its type.
  if ((file.kind === "image" && type?.startsWith("image/")) || (file.kind === "sticker" && (type === null ? file.mime === "" : type.startsWith("image/")))) {
    return <ImageBody file={file} roomId={roomId} eventId={eventId} />;
  }
  if (file.kind === "video" && type?.startsWith("video/")) return <VideoBody file={file} type={type} />;
  if ((file.kind === "audio" || file.kind === "voice") && type !== null && !type.startsWith("image/")) return <AudioBody file={file} type={type} />;
  return <OtherFile file={file} />;
}

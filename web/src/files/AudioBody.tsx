import type { FileInfo } from "@/matrix/file.ts";
import classes from "./files.module.css";
import { FileCard } from "./FileCard.tsx";
import { useDownload } from "./useDownload.ts";
import { VoicePlayer } from "./VoicePlayer.tsx";

/** A sound or a voice message, loaded when it is played. */
export function AudioBody({ file, type }: { file: FileInfo; type: string }) {
  const download = useDownload(file);
  if (file.kind === "voice" && download.error === "") {
    return (
      <div className={classes.card}>
        <VoicePlayer load={() => download.open(type)} duration={file.duration ?? 0} waveform={file.waveform ?? []} />
      </div>
    );
  }
  return (
    <div className={classes.sound}>
      <FileCard file={file} note={download.error} />
      {download.error === "" && <VoicePlayer load={() => download.open(type)} duration={file.duration ?? 0} waveform={[]} />}
    </div>
  );
}

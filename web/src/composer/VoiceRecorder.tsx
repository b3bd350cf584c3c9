import { ActionIcon, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatDuration } from "@/files/format.ts";
import { VoicePlayer } from "@/files/VoicePlayer.tsx";
import { startUpload } from "@/matrix/uploadQueue.ts";
import classes from "./Composer.module.css";
import { Icon } from "@/ui/Icon.tsx";
import { clearIntent, type Intent, type Place } from "./state.ts";
import { type Recorded, type Recording, record } from "./record.ts";

/** Records a voice message in place of the writing field, lets one hear it, and sends it. */
export function VoiceRecorder({ place, intent, onClose }: { place: Place; intent: Intent | undefined; onClose: () => void }) {
  const { t } = useTranslation("composer");
  const recording = useRef<Recording | null>(null);
  const [level, setLevel] = useState({ at: 0, wave: [] as number[] });
  const [done, setDone] = useState<(Recorded & { url: string }) | null>(null);
  const [error, setError] = useState("");

  useEffect(() => {
    let gone = false;
    record((at, wave) => setLevel({ at, wave: wave.slice(-120) })).then(
      (r) => {
        if (gone) void r.stop();
        else recording.current = r;
      },
      (err: unknown) => !gone && setError(err instanceof DOMException && err.name === "NotAllowedError" ? "voice.denied" : "voice.none"),
    );
    return () => {
      gone = true;
      void recording.current?.stop();
    };
  }, []);
  useEffect(() => (done ? () => URL.revokeObjectURL(done.url) : undefined), [done]);

  const stop = async () => {
    const r = await recording.current?.stop();
    if (r) setDone({ ...r, url: URL.createObjectURL(r.blob) });
  };
  const send = () => {
    if (!done) return;
    const { blob, duration, wave } = done;
    const mime = blob.type.split(";")[0] ?? blob.type;
    const name = `${t("voice.name")}.${mime.endsWith("ogg") ? "ogg" : mime.endsWith("mp4") ? "m4a" : "webm"}`;
    const replyTo = intent?.kind === "reply" ? intent.eventId : null;
    startUpload({ roomId: place.roomId, threadId: place.threadId }, name, blob.size, () => Promise.resolve({ blob, name, mime, kind: "voice", duration, waveform: wave, caption: "" }), replyTo);
    if (replyTo) clearIntent(place);
    onClose();
  };

  return (
    <div className={classes.row} role="group" aria-label={t("voice.title")}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("voice.discard")} onClick={onClose}>
        <Icon name="trash" size={20} />
      </ActionIcon>
      {error !== "" ? (
        <Text role="alert" size="sm" flex={1} c="var(--mention)">
          {t(error)}
        </Text>
      ) : done ? (
        <div className={classes.recording}>
          <VoicePlayer url={done.url} duration={done.duration} waveform={done.wave} />
        </div>
      ) : (
        <div className={classes.recording}>
          <span className={classes.live} aria-hidden />
          <Text size="sm" role="timer" aria-label={t("voice.recording")} className={classes.time}>
            {formatDuration(level.at)}
          </Text>
          <div className={classes.levels} aria-hidden>
            {level.wave.map((n, i) => (
              <span key={i} style={{ blockSize: `${Math.max(8, n * 100)}%` }} />
            ))}
          </div>
        </div>
      )}
      {error === "" &&
        (done ? (
          <ActionIcon size="lg" aria-label={t("voice.send")} onClick={send}>
            <Icon name="send" size={20} />
          </ActionIcon>
        ) : (
          <ActionIcon size="lg" aria-label={t("voice.stop")} onClick={() => void stop()} disabled={level.at === 0}>
            <Icon name="stop" size={20} />
          </ActionIcon>
        ))}
    </div>
  );
}

import { ActionIcon, Text, UnstyledButton } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import { resample } from "@/matrix/voice.ts";
import classes from "./files.module.css";
import { formatDuration } from "./format.ts";

interface Props {
  url?: string;
  /** Gives the address when one wants to hear it. */
  load?: () => Promise<string | undefined>;
  duration: number; // milliseconds, as its sender said
  waveform: number[]; // 0 to 1
}

const speeds = [1, 1.5, 2];
const bars = 40;

/** Only one plays at a time. */
let playing: HTMLAudioElement | null = null;

/** Plays a sound: its waveform is the way to a place in it. */
export function VoicePlayer({ url, load, duration, waveform }: Props) {
  const { t } = useTranslation("files");
  const audio = useRef<HTMLAudioElement>(null);
  const [source, setSource] = useState(url);
  const [runs, setRuns] = useState(false);
  const [at, setAt] = useState(0); // milliseconds
  const [speed, setSpeed] = useState(1);
  const [length, setLength] = useState(duration);
  useEffect(() => setSource(url), [url]);

  const play = async () => {
    const element = audio.current;
    if (!element) return;
    if (runs) {
      element.pause();
      return;
    }
    if (source === undefined) {
      const loaded = await load?.();
      if (loaded === undefined) return;
      // Once and at once: a second src would begin to load anew and break off the playing.
      flushSync(() => setSource(loaded));
    }
    if (playing !== element) playing?.pause();
    playing = element;
    element.playbackRate = speed;
    await element.play().catch(() => undefined);
  };
  const faster = () => {
    const next = speeds[(speeds.indexOf(speed) + 1) % speeds.length] ?? 1;
    setSpeed(next);
    if (audio.current) audio.current.playbackRate = next;
  };
  const seek = (to: number) => {
    setAt(to);
    if (audio.current && source !== undefined) audio.current.currentTime = to / 1000;
  };
  const wave = waveform.length > 0 ? resample(waveform, bars) : Array.from({ length: bars }, () => 0.15);
  const whole = Math.max(length, 1);
  return (
    <div className={classes.player}>
      <audio
        ref={audio}
        src={source}
        onPlay={() => setRuns(true)}
        onPause={() => setRuns(false)}
        onTimeUpdate={(e) => setAt(e.currentTarget.currentTime * 1000)}
        onLoadedMetadata={(e) => {
          // What a browser recorded does not say its length.
          if (Number.isFinite(e.currentTarget.duration)) setLength(e.currentTarget.duration * 1000);
          if (at > 0) e.currentTarget.currentTime = at / 1000;
        }}
        onEnded={() => setAt(0)}
      />
      <ActionIcon radius="xl" size="lg" variant="light" aria-label={t(runs ? "pause" : "playSound")} onClick={() => void play()}>
        <Icon name={runs ? "pause" : "play"} size={20} />
      </ActionIcon>
      <div className={classes.wave}>
        {wave.map((n, i) => (
          <span key={i} data-heard={(i + 0.5) / bars <= at / whole || undefined} style={{ blockSize: `${Math.max(10, n * 100)}%` }} />
        ))}
        <input type="range" min={0} max={whole} step={100} value={Math.min(at, whole)} aria-label={t("position")} aria-valuetext={formatDuration(at)} onChange={(e) => seek(Number(e.currentTarget.value))} />
      </div>
      <Text size="xs" c="var(--quiet)" className={classes.clock}>
        {formatDuration(runs || at > 0 ? at : length)}
      </Text>
      <UnstyledButton className={classes.speed} aria-label={t("speed", { speed })} onClick={faster}>
        {speed}×
      </UnstyledButton>
    </div>
  );
}

/** What makes an audio message a voice message. MSC3245, and MSC1767's waveform: whole numbers up to 1024. */
export function voiceContent(duration: number, waveform: readonly number[]): Record<string, unknown> {
  return {
    "org.matrix.msc1767.audio": { duration: Math.round(duration), waveform: resample(waveform, 60).map((n) => Math.round(Math.min(1, Math.max(0, n)) * 1024)) },
    "org.matrix.msc3245.voice": {},
  };
}

/** Brings a row of loudnesses to a length: the loudest of each part, so that short sounds stay seen. */
export function resample(values: readonly number[], length: number): number[] {
  if (values.length === 0) return [];
  return Array.from({ length }, (_, i) => {
    const from = Math.floor((i * values.length) / length);
    const to = Math.max(from + 1, Math.floor(((i + 1) * values.length) / length));
    return Math.max(...values.slice(from, to));
  });
}

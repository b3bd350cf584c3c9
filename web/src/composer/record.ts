export interface Recorded {
  blob: Blob;
  duration: number; // milliseconds
  wave: number[]; // 0 to 1
}

export interface Recording {
  stop: () => Promise<Recorded>;
}

/** Opus where the browser can, which all clients play; Safari has AAC. */
const types = ["audio/ogg;codecs=opus", "audio/webm;codecs=opus", "audio/mp4"];
const step = 80; // milliseconds between two measurements of the loudness
const longest = 60 * 60_000;

/** Records the microphone. `onLevel` is told how long it has run and how loud it was. Rejects where there is no microphone, or no permission. */
export async function record(onLevel: (at: number, wave: number[]) => void): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } });
  const mimeType = types.find((type) => MediaRecorder.isTypeSupported(type));
  const recorder = new MediaRecorder(stream, { ...(mimeType ? { mimeType } : {}), audioBitsPerSecond: 32_000 });
  const parts: Blob[] = [];
  recorder.ondataavailable = (e) => parts.push(e.data);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const wave: number[] = [];
  const began = performance.now();
  let stopped: Promise<Recorded> | null = null;
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = Math.sqrt(samples.reduce((sum, s) => sum + s * s, 0) / samples.length);
    wave.push(Math.min(1, power * 4)); // speech is about a quarter of the full scale
    const at = performance.now() - began;
    onLevel(at, wave);
    if (at > longest) void stop();
  }, step);
  const stop = (): Promise<Recorded> => {
    stopped ??= new Promise((done) => {
      const duration = performance.now() - began;
      clearInterval(timer);
      recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop();
        void context.close();
        done({ blob: new Blob(parts, { type: recorder.mimeType }), duration, wave });
      };
      if (recorder.state === "inactive") recorder.onstop(new Event("stop"));
      else recorder.stop();
    });
    return stopped;
  };
  recorder.start();
  return { stop };
}

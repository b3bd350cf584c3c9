import { useStore } from "zustand";
import { createStore } from "zustand/vanilla";
import { OfflineError } from "./api.ts";
import { state } from "./client.ts";
import { encryptFile } from "./fileCrypto.ts";
import { sendFileMessage, type Target } from "./send.ts";
import { isEncrypted } from "./sendRoom.ts";
import { upload, type UploadOptions } from "./upload.ts";
import { voiceContent } from "./voice.ts";

/** A file that is ready to be uploaded: what is private in it is gone, and its preview is made. */
export interface Outgoing {
  blob: Blob;
  name: string;
  mime: string;
  kind: "image" | "video" | "audio" | "voice" | "file";
  width?: number;
  height?: number;
  duration?: number; // milliseconds
  waveform?: number[]; // 0 to 1
  thumbnail?: { blob: Blob; width: number; height: number };
  caption: string;
}

export interface Upload {
  id: number;
  target: Target;
  name: string;
  size: number;
  loaded: number;
  state: "waiting" | "preparing" | "uploading" | "failed";
  error: string; // the server's words, "" when it was not reached
}

interface Job {
  prepare: () => Promise<Outgoing>;
  replyTo: string | null;
  abort: AbortController;
}

const uploads = createStore<{ list: Upload[] }>(() => ({ list: [] }));
const jobs = new Map<number, Job>();
let last = 0;
let working = false;

const set = (id: number, change: Partial<Upload>): void => uploads.setState((s) => ({ list: s.list.map((u) => (u.id === id ? { ...u, ...change } : u)) }));

function remove(id: number): void {
  jobs.delete(id);
  uploads.setState((s) => ({ list: s.list.filter((u) => u.id !== id) }));
}

/** Uploads one blob, encrypted for an encrypted room, and gives the part of the content that says where it is. */
async function put(blob: Blob, mime: string, name: string | null, encrypted: boolean, options: UploadOptions): Promise<{ url: string } | { file: Record<string, unknown> }> {
  if (!encrypted) return { url: await upload(blob, mime, name, options) };
  const { data, secret } = await encryptFile(blob, options.signal);
  return { file: { ...secret, url: await upload(data, "application/octet-stream", null, options) } };
}

/** The content of a file's message. Spec: cs#mimage and its neighbours */
export function fileContent(file: Outgoing, where: object, thumbnail: { where: { url: string } | { file: Record<string, unknown> } } | null): Record<string, unknown> {
  const info: Record<string, unknown> = { mimetype: file.mime, size: file.blob.size };
  if (file.width !== undefined && file.height !== undefined) Object.assign(info, { w: file.width, h: file.height });
  if (file.duration !== undefined) info.duration = Math.round(file.duration);
  if (thumbnail && file.thumbnail) {
    const { blob, width, height } = file.thumbnail;
    info.thumbnail_info = { mimetype: blob.type, size: blob.size, w: width, h: height };
    if ("url" in thumbnail.where) info.thumbnail_url = thumbnail.where.url;
    else info.thumbnail_file = thumbnail.where.file;
  }
  const msgtype = file.kind === "voice" ? "m.audio" : `m.${file.kind}`;
  return { msgtype, body: file.caption || file.name, filename: file.name, info, ...where, ...(file.kind === "voice" ? voiceContent(file.duration ?? 0, file.waveform ?? []) : {}) };
}

async function run(item: Upload, job: Job): Promise<void> {
  set(item.id, { state: "preparing", loaded: 0, error: "" });
  const file = await job.prepare();
  job.abort.signal.throwIfAborted();
  const encrypted = isEncrypted(item.target.roomId);
  set(item.id, { state: "uploading", size: file.blob.size });
  const options = (onProgress: (n: number) => void): UploadOptions => ({ signal: job.abort.signal, onProgress });
  const thumbnail = file.thumbnail ? { where: await put(file.thumbnail.blob, file.thumbnail.blob.type, null, encrypted, options(() => undefined)) } : null;
  const where = await put(file.blob, file.mime, file.name, encrypted, options((loaded) => set(item.id, { loaded: Math.min(loaded, file.blob.size) })));
  job.abort.signal.throwIfAborted();
  remove(item.id);
  await sendFileMessage(item.target, fileContent(file, where, thumbnail), job.replyTo);
}

/** One after the other, so that files arrive in the order in which they were given. */
async function work(): Promise<void> {
  if (working) return;
  working = true;
  for (;;) {
    const item = uploads.getState().list.find((u) => u.state === "waiting");
    const job = item && jobs.get(item.id);
    if (!item || !job) break;
    try {
      await run(item, job);
    } catch (err) {
      if (job.abort.signal.aborted) remove(item.id);
      else set(item.id, { state: "failed", error: err instanceof OfflineError ? "" : err instanceof Error ? err.message : String(err) });
    }
  }
  working = false;
}

/** Uploads a file and then sends its message. */
export function startUpload(target: Target, name: string, size: number, prepare: () => Promise<Outgoing>, replyTo: string | null): void {
  const id = ++last;
  jobs.set(id, { prepare, replyTo, abort: new AbortController() });
  uploads.setState((s) => ({ list: [...s.list, { id, target, name, size, loaded: 0, state: "waiting", error: "" }] }));
  void work();
}

export function cancelUpload(id: number): void {
  jobs.get(id)?.abort.abort();
  remove(id);
}

export function retryUpload(id: number): void {
  const job = jobs.get(id);
  if (!job) return;
  job.abort = new AbortController();
  set(id, { state: "waiting" });
  void work();
}

/** What is on its way to a room or thread. */
export function useUploads({ roomId, threadId }: Target): Upload[] {
  const list = useStore(uploads, (s) => s.list);
  return list.filter((u) => u.target.roomId === roomId && u.target.threadId === threadId);
}

state.subscribe((now) => {
  if (now.phase === "signed-out" || now.phase === "removed") for (const u of uploads.getState().list) cancelUpload(u.id);
});

/** A file that was encrypted before its upload. Spec: cs#extensions-to-mroommessage-msgtypes */
export interface EncryptedFile {
  v?: "v2";
  url: string;
  key: JsonWebKey;
  iv: string;
  hashes: Record<string, string>;
}

/** A picture, a film, a sound or any other file in a message, as far as its sender described it: nothing of it is to be trusted. */
export interface FileInfo {
  kind: "image" | "video" | "audio" | "voice" | "file" | "sticker";
  name: string;
  caption: string; // "" if none
  mime: string;
  size: number | null; // bytes
  width: number | null;
  height: number | null;
  duration: number | null; // milliseconds
  waveform: number[] | null; // 0 to 1
  url: string | null; // mxc: of an unencrypted file
  encrypted: EncryptedFile | null;
  thumbnail: { url: string | null; encrypted: EncryptedFile | null; mime: string } | null;
}

const kinds: Record<string, FileInfo["kind"]> = { "m.image": "image", "m.video": "video", "m.audio": "audio", "m.file": "file" };

const object = (v: unknown): Record<string, unknown> => (typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Record<string, unknown>) : {});
const text = (v: unknown): string => (typeof v === "string" ? v : "");
const count = (v: unknown): number | null => (typeof v === "number" && Number.isFinite(v) && v >= 0 ? v : null);
const mxc = (v: unknown): string | null => (/^mxc:\/\/[^/]+\/[A-Za-z0-9_-]+$/.test(text(v)) ? text(v) : null);

function encryptedFile(v: unknown): EncryptedFile | null {
  const f = object(v);
  const url = mxc(f.url);
  const key = object(f.key);
  const hashes = object(f.hashes);
  if (url === null || text(key.k) === "" || text(f.iv) === "" || text(hashes.sha256) === "") return null;
  return { url, key: key as JsonWebKey, iv: text(f.iv), hashes: hashes as Record<string, string> };
}

/** Reads the file out of the content of a message or a sticker; null if there is none that could be fetched. */
export function fileOf(type: string, content: Record<string, unknown>): FileInfo | null {
  const kind = type === "m.sticker" ? "sticker" : kinds[text(content.msgtype)];
  if (kind === undefined) return null;
  const url = mxc(content.url);
  const encrypted = encryptedFile(content.file);
  if (url === null && encrypted === null) return null;
  const info = object(content.info);
  const thumbnailInfo = object(info.thumbnail_info);
  const thumbnail = { url: mxc(info.thumbnail_url), encrypted: encryptedFile(info.thumbnail_file), mime: text(thumbnailInfo.mimetype) };
  const body = text(content.body);
  const filename = text(content.filename);
  const audio = object(content["org.matrix.msc1767.audio"]);
  const wave = Array.isArray(audio.waveform) ? audio.waveform.filter((n): n is number => typeof n === "number") : [];
  return {
    kind: kind === "audio" && "org.matrix.msc3245.voice" in content ? "voice" : kind,
    name: filename || body,
    caption: filename !== "" && body !== filename ? body : "",
    mime: text(info.mimetype),
    size: count(info.size),
    width: count(info.w),
    height: count(info.h),
    duration: count(info.duration) ?? count(audio.duration),
    waveform: wave.length > 0 ? wave.map((n) => Math.min(1, Math.max(0, n / 1024))) : null,
    url,
    encrypted,
    thumbnail: thumbnail.url !== null || thumbnail.encrypted !== null ? thumbnail : null,
  };
}

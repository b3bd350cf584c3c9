import { useEffect, useState } from "react";
import { rawApi } from "./api.ts";
import type { EncryptedFile, FileInfo } from "./file.ts";
import { decryptFile } from "./fileCrypto.ts";

/*
 * Media need the token, so they cannot stand in an <img> as they are: they are fetched, and shown from memory through blob: addresses.
 * The latest few hundred small ones stay in memory, and large ones up to a sum of bytes.
 */
const limit = 400;
const byteLimit = 300 << 20;

interface Kept {
  url: Promise<string>;
  bytes: number;
}
const cache = new Map<string, Kept>();

export function mediaPath(mxc: string): string | null {
  const found = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_-]+)$/.exec(mxc);
  return found ? `${encodeURIComponent(found[1] as string)}/${found[2]}` : null;
}

function forgetOldest(): void {
  let bytes = 0;
  for (const k of cache.values()) bytes += k.bytes;
  for (const [old, value] of cache) {
    if (cache.size <= 1 || (cache.size <= limit && bytes <= byteLimit)) break;
    cache.delete(old);
    bytes -= value.bytes;
    void value.url.then((u) => setTimeout(() => URL.revokeObjectURL(u), 60_000)).catch(() => undefined);
  }
}

/** Gives the same answer to all who ask for the same thing, and forgets the oldest beyond the limits, and failures at once. */
function remember(key: string, load: () => Promise<Blob>): Promise<string> {
  const kept = cache.get(key);
  if (kept) {
    cache.delete(key);
    cache.set(key, kept);
    return kept.url;
  }
  const entry: Kept = {
    bytes: 0,
    url: load().then((b) => {
      entry.bytes = b.size;
      forgetOldest();
      return URL.createObjectURL(b);
    }),
  };
  entry.url.catch(() => cache.delete(key));
  cache.set(key, entry);
  return entry.url;
}

/** The bytes behind an mxc: address. */
export async function download(mxc: string, signal?: AbortSignal): Promise<Response> {
  const path = mediaPath(mxc);
  if (path === null) throw new Error("not a media address");
  return rawApi(`/_matrix/client/v1/media/download/${path}`, signal ? { signal } : {});
}

export interface FetchOptions {
  signal?: AbortSignal;
  /** Bytes that are there, and bytes in all where the server says so. */
  onProgress?: (loaded: number, total: number | null) => void;
}

async function readAll(response: Response, onProgress: NonNullable<FetchOptions["onProgress"]>): Promise<Blob> {
  const total = Number(response.headers.get("Content-Length")) || null;
  const reader = response.body?.getReader();
  if (!reader) return response.blob();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    onProgress(loaded, total);
  }
  return new Blob(parts);
}

/** A file's content, decrypted if it was encrypted. `mime` is the type that the blob gets: only what isSafe knows is ever shown in the page. */
export async function fetchFile(source: { url: string | null; encrypted: EncryptedFile | null }, mime: string, { signal, onProgress }: FetchOptions = {}): Promise<Blob> {
  const mxc = source.encrypted?.url ?? source.url;
  if (mxc === null) throw new Error("no address");
  const response = await download(mxc, signal);
  const blob = onProgress ? await readAll(response, onProgress) : await response.blob();
  if (source.encrypted) return decryptFile(blob, source.encrypted, mime);
  return blob.slice(0, blob.size, mime);
}

/** What browsers show without running anything of it. Not SVG, not HTML: those can contain scripts. */
const safe = /^(image\/(png|jpeg|gif|webp|avif|apng|bmp)|video\/(mp4|webm|ogg|quicktime)|audio\/(mp4|webm|ogg|aac|mpeg|wav|wave|x-wav|x-pn-wav|flac|x-flac|x-m4a)|application\/ogg)$/;

/** The type without parameters if it may be shown in the page, null if the file is only to be downloaded. */
export function safeType(mime: string): string | null {
  const type = (mime.split(";")[0] ?? "").trim().toLowerCase();
  return safe.test(type) ? type : null;
}

/** A blob: address of what may be shown of a file, kept for the next time. */
export function fileUrl(source: { url: string | null; encrypted: EncryptedFile | null }, mime: string, options: FetchOptions = {}): Promise<string> {
  const mxc = source.encrypted?.url ?? source.url ?? "";
  // The hash is in the name: another event may claim another one for the same address.
  return remember(`file ${mime} ${source.encrypted?.hashes.sha256 ?? ""} ${source.encrypted?.key.k ?? ""} ${mxc}`, () => fetchFile(source, mime, options));
}

/** A blob: address of a thumbnail that the server makes, at most `size` wide and high. */
export function thumbnailUrl(mxc: string, size: number, method: "crop" | "scale"): Promise<string> {
  const path = mediaPath(mxc);
  if (path === null) return Promise.reject(new Error("not a media address"));
  return remember(`thumbnail ${method} ${size} ${path}`, async () =>
    (await rawApi(`/_matrix/client/v1/media/thumbnail/${path}?width=${size}&height=${size}&method=${method}&animated=false`)).blob(),
  );
}

/** A blob: address of a square thumbnail, undefined until it is there. */
export function useThumbnail(mxc: string | null, pixels: number): string | undefined {
  return useBlobUrl(mxc === null || mediaPath(mxc) === null ? null : `${pixels <= 96 ? 96 : 320} ${mxc}`, () => thumbnailUrl(mxc as string, pixels <= 96 ? 96 : 320, "crop")).url;
}

export interface Loaded {
  url: string | undefined;
  error: unknown;
}

/** A blob: address that is loaded for a key; null loads nothing. */
export function useBlobUrl(key: string | null, load: () => Promise<string>): Loaded {
  const [state, setState] = useState<Loaded & { key: string | null }>({ key: null, url: undefined, error: undefined });
  useEffect(() => {
    if (key === null) return undefined;
    let gone = false;
    load().then(
      (url) => !gone && setState({ key, url, error: undefined }),
      (error: unknown) => !gone && setState({ key, url: undefined, error }),
    );
    return () => {
      gone = true;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key stands for what is loaded
  }, [key]);
  return state.key === key ? state : { url: undefined, error: undefined };
}

/** The picture that stands for a file in lists: its own thumbnail, or one that the server makes, or the picture itself. */
export function previewUrl(file: FileInfo): Promise<string> | null {
  const t = file.thumbnail;
  const type = t ? safeType(t.mime || "image/jpeg") : null;
  if (t && type?.startsWith("image/")) return fileUrl(t, type);
  const own = safeType(file.mime);
  if (!own?.startsWith("image/")) return null;
  if (file.encrypted === null && file.url !== null) return own === "image/gif" ? fileUrl(file, own) : thumbnailUrl(file.url, 800, "scale").catch(() => fileUrl(file, own));
  return fileUrl(file, own);
}

/** Gives a file to the browser to save. */
export function saveBlob(blob: Blob, name: string): void {
  // As bytes: a page of ours never opens what others sent.
  const url = URL.createObjectURL(blob.slice(0, blob.size, "application/octet-stream"));
  const a = document.createElement("a");
  a.href = url;
  a.download = name || "file";
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

import { safeType } from "@/matrix/media.ts";
import type { Outgoing } from "@/matrix/uploadQueue.ts";
import { strip } from "./strip.ts";

const thumbnailWidth = 800;
const thumbnailHeight = 600;
/** A smaller picture needs no thumbnail: bytes. */
const smallPicture = 100_000;

type Picture = { draw: CanvasImageSource; width: number; height: number };

/** A smaller version of a picture. */
async function thumbnail({ draw, width, height }: Picture, transparent: boolean): Promise<NonNullable<Outgoing["thumbnail"]> | null> {
  const scale = Math.min(1, thumbnailWidth / width, thumbnailHeight / height);
  const [w, h] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.imageSmoothingQuality = "high";
  context.drawImage(draw, 0, 0, w, h);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, transparent ? "image/webp" : "image/jpeg", 0.8));
  return blob && { blob, width: w, height: h };
}

async function image(file: Blob, mime: string): Promise<Pick<Outgoing, "blob" | "width" | "height" | "thumbnail"> | null> {
  const blob = strip(new Uint8Array(await file.arrayBuffer()), mime);
  if (blob === null) return null;
  const bitmap = await createImageBitmap(blob).catch(() => null);
  if (bitmap === null) return null;
  const { width, height } = bitmap;
  const small = blob.size <= smallPicture && width <= thumbnailWidth && height <= thumbnailHeight;
  const preview = small || mime === "image/gif" ? null : await thumbnail({ draw: bitmap, width, height }, mime !== "image/jpeg");
  bitmap.close();
  return { blob, width, height, ...(preview ? { thumbnail: preview } : {}) };
}

/** Waits for one of an element's events; null where it cannot play the file, or takes too long to. */
function until<T extends HTMLMediaElement>(element: T, event: string): Promise<T | null> {
  return new Promise((done) => {
    const timer = setTimeout(() => done(null), 10_000);
    const end = (result: T | null) => {
      clearTimeout(timer);
      done(result);
    };
    element.addEventListener(event, () => end(element), { once: true });
    element.addEventListener("error", () => end(null), { once: true });
  });
}

const milliseconds = (seconds: number): { duration?: number } => (Number.isFinite(seconds) ? { duration: Math.round(seconds * 1000) } : {});

async function video(file: Blob): Promise<Partial<Outgoing>> {
  const url = URL.createObjectURL(file);
  const element = document.createElement("video");
  element.muted = true;
  element.preload = "auto";
  element.src = url;
  try {
    if (!(await until(element, "loadeddata")) || element.videoWidth === 0) return {};
    const { videoWidth: width, videoHeight: height, duration } = element;
    const sought = until(element, "seeked");
    element.currentTime = Math.min(0.5, Number.isFinite(duration) ? duration / 2 : 0);
    await sought;
    const preview = await thumbnail({ draw: element, width, height }, false);
    return { width, height, ...milliseconds(duration), ...(preview ? { thumbnail: preview } : {}) };
  } finally {
    element.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

async function audio(file: Blob): Promise<Partial<Outgoing>> {
  const url = URL.createObjectURL(file);
  const element = document.createElement("audio");
  element.src = url;
  try {
    return (await until(element, "loadedmetadata")) ? milliseconds(element.duration) : {};
  } finally {
    element.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

export const isPicture = (file: File): boolean => safeType(file.type)?.startsWith("image/") ?? false;

/** Makes a file ready for its upload. `asFile` sends it byte by byte as it is, without preview. */
export async function prepare(file: File, caption: string, asFile: boolean): Promise<Outgoing> {
  const mime = file.type || "application/octet-stream";
  const base: Outgoing = { blob: file, name: file.name || "file", mime, kind: "file", caption };
  const shown = asFile ? null : safeType(mime);
  if (shown === null) return base;
  if (shown.startsWith("image/")) {
    const found = await image(file, shown);
    return found ? { ...base, ...found, mime: shown, kind: "image" } : base;
  }
  if (shown.startsWith("video/")) return { ...base, ...(await video(file)), kind: "video" };
  return { ...base, ...(await audio(file)), kind: "audio" };
}

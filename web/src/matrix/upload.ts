import { ApiError, api, baseUrl, OfflineError } from "./api.ts";
import { keptSession } from "./session.ts";

let limit: Promise<number | null> | undefined;

/** The size in bytes up to which the server takes files; null where it sets none or is not there. */
export function uploadLimit(): Promise<number | null> {
  limit ??= api<{ "m.upload.size"?: number }>("/_matrix/client/v1/media/config").then((c) => c["m.upload.size"] ?? null);
  return limit.catch(() => {
    limit = undefined;
    return null;
  });
}

export interface UploadOptions {
  signal: AbortSignal;
  onProgress: (loaded: number) => void;
}

/** Uploads bytes and gives their address. The name goes with them only where they are not encrypted. fetch() cannot tell how far an upload is. */
export function upload(blob: Blob, type: string, name: string | null, { signal, onProgress }: UploadOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const aborted = () => {
      xhr.abort();
      reject(new DOMException("cancelled", "AbortError"));
    };
    if (signal.aborted) {
      aborted();
      return;
    }
    signal.addEventListener("abort", aborted, { once: true });
    xhr.open("POST", `${baseUrl()}/_matrix/media/v3/upload${name === null ? "" : `?filename=${encodeURIComponent(name)}`}`);
    xhr.setRequestHeader("Authorization", `Bearer ${keptSession()?.accessToken ?? ""}`);
    xhr.setRequestHeader("Content-Type", type || "application/octet-stream");
    xhr.responseType = "json";
    xhr.upload.onprogress = (e) => onProgress(e.loaded);
    xhr.onerror = () => reject(new OfflineError("The server cannot be reached"));
    xhr.onload = () => {
      signal.removeEventListener("abort", aborted);
      const data = (xhr.response ?? {}) as { content_uri?: string; errcode?: string; error?: string };
      if (xhr.status === 200 && data.content_uri) resolve(data.content_uri);
      else reject(new ApiError(data.errcode ?? "M_UNKNOWN", data.error ?? xhr.statusText, xhr.status, data as Record<string, unknown>));
    };
    xhr.send(blob);
  });
}

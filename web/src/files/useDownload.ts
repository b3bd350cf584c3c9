import { useEffect, useRef, useState } from "react";
import { OfflineError } from "@/matrix/api.ts";
import type { FileInfo } from "@/matrix/file.ts";
import { DamagedFileError } from "@/matrix/fileCrypto.ts";
import { fetchFile, fileUrl, saveBlob } from "@/matrix/media.ts";

/** Which text of this folder says what went wrong. */
export function problem(err: unknown): string {
  if (err instanceof DamagedFileError) return "error.damaged";
  return err instanceof OfflineError ? "error.offline" : "error.gone";
}

export interface Download {
  /** Between 0 and 1 while it runs. */
  progress: number | null;
  error: string;
  save: () => Promise<void>;
  /** The content itself, undefined if it failed. */
  content: () => Promise<Blob | undefined>;
  /** The file's blob: address under a type that may be shown, undefined if it failed. */
  open: (mime: string) => Promise<string | undefined>;
  cancel: () => void;
}

/** Fetches a file when asked to, and tells how far it is. */
export function useDownload(file: FileInfo): Download {
  const [progress, setProgress] = useState<number | null>(null);
  const [error, setError] = useState("");
  const abort = useRef<AbortController | null>(null);
  useEffect(() => () => abort.current?.abort(), []);

  async function run<T>(act: (options: { signal: AbortSignal; onProgress: (loaded: number, total: number | null) => void }) => Promise<T>): Promise<T | undefined> {
    const controller = new AbortController();
    abort.current = controller;
    setError("");
    setProgress(0);
    try {
      return await act({ signal: controller.signal, onProgress: (loaded, total) => setProgress(Math.min(1, loaded / (total ?? file.size ?? Infinity))) });
    } catch (err) {
      if (!controller.signal.aborted) setError(problem(err));
      return undefined;
    } finally {
      if (abort.current === controller) setProgress(null);
    }
  }
  const content = () => run((options) => fetchFile(file, "application/octet-stream", options));
  return {
    progress,
    error,
    content,
    save: async () => {
      const blob = await content();
      if (blob) saveBlob(blob, file.name);
    },
    open: (mime) => run((options) => fileUrl(file, mime, options)),
    cancel: () => {
      abort.current?.abort();
      setProgress(null);
    },
  };
}

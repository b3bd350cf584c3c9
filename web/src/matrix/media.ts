import { useEffect, useState } from "react";
import { rawApi } from "./api.ts";

/*
 * Media need the token, so they cannot stand in an <img> as they are: they are fetched, and shown from memory through blob: addresses.
 * The latest few hundred stay in memory.
 */
const limit = 400;
const cache = new Map<string, Promise<string>>();

function mediaPath(mxc: string): string | null {
  const found = /^mxc:\/\/([^/]+)\/([A-Za-z0-9_-]+)$/.exec(mxc);
  return found ? `${encodeURIComponent(found[1] as string)}/${found[2]}` : null;
}

/** Gives the same answer to all who ask for the same thing, and forgets the oldest beyond the limit, and failures at once. */
function remember(key: string, load: () => Promise<Blob>): Promise<string> {
  const kept = cache.get(key);
  if (kept) {
    cache.delete(key);
    cache.set(key, kept);
    return kept;
  }
  const url = load().then((b) => URL.createObjectURL(b));
  url.catch(() => cache.delete(key));
  cache.set(key, url);
  for (const [old, value] of cache) {
    if (cache.size <= limit) break;
    cache.delete(old);
    void value.then((u) => setTimeout(() => URL.revokeObjectURL(u), 60_000)).catch(() => undefined);
  }
  return url;
}

/** The bytes behind an mxc: address. */
export async function download(mxc: string, signal?: AbortSignal): Promise<Response> {
  const path = mediaPath(mxc);
  if (path === null) throw new Error("not a media address");
  return rawApi(`/_matrix/client/v1/media/download/${path}`, signal ? { signal } : {});
}

/** A blob: address of a square thumbnail, undefined until it is there. */
export function useThumbnail(mxc: string | null, pixels: number): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    let gone = false;
    setUrl(undefined);
    const path = mxc === null ? null : mediaPath(mxc);
    if (path === null) return undefined;
    const size = pixels <= 96 ? 96 : 320;
    const load = async () => (await rawApi(`/_matrix/client/v1/media/thumbnail/${path}?width=${size}&height=${size}&method=crop`)).blob();
    remember(`thumbnail ${size} ${path}`, load).then(
      (u) => {
        if (!gone) setUrl(u);
      },
      () => undefined,
    );
    return () => {
      gone = true;
    };
  }, [mxc, pixels]);
  return url;
}

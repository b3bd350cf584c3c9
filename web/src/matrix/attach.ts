import type { MatrixClient } from "matrix-js-sdk";

const parameter = "org.matrix.msc3911.attach_media";

/** The files of a server that a content names, wherever in it. */
export function filesIn(content: unknown, server: string): string[] {
  const found = JSON.stringify(content ?? {}).match(/mxc:\/\/[^/"\\\s]+\/[A-Za-z0-9_-]+/g) ?? [];
  return [...new Set(found)].filter((uri) => uri.startsWith(`mxc://${server}/`));
}

/**
 * The network as the SDK is to use it: what is sent encrypted says which files it shows, as the server cannot read that. So it knows when
 * nothing shows a file any more, and removes it. Spec: MSC3911
 */
export function attaching(client: () => MatrixClient | null): typeof fetch {
  return (input, init) => {
    const c = client();
    const m = init?.method === "PUT" && (typeof input === "string" || input instanceof URL) ? /\/rooms\/([^/]+)\/send\/m\.room\.encrypted\/([^/?]+)/.exec(String(input)) : null;
    if (c === null || m === null) return fetch(input, init);
    const event = c.getRoom(decodeURIComponent(m[1] ?? ""))?.getEventForTxnId(decodeURIComponent(m[2] ?? ""));
    const files = filesIn(event?.getContent(), c.getDomain() ?? "").slice(0, 32);
    if (files.length === 0) return fetch(input, init);
    const url = new URL(String(input), location.href);
    for (const uri of files) url.searchParams.append(parameter, uri);
    return fetch(url, init);
  };
}

import DOMPurify from "dompurify";

/*
 * HTML of messages is foreign. Two gates stand before it: DOMPurify takes out what may act, and the tree that is left becomes React
 * elements of these tags with these attributes (html.tsx), whatever else may still stand there.
 * Spec: cs#mroommessage-msgtypes
 */
export const tags = [
  "del", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "a", "ul", "ol", "sup", "sub", "li", "b", "i", "u", "strong", "em", "s",
  "code", "hr", "br", "div", "table", "thead", "tbody", "tr", "th", "td", "caption", "pre", "span", "img", "details", "summary",
] as const;

const attributes = ["href", "src", "alt", "title", "width", "height", "start", "class", "data-mx-spoiler", "data-mx-color", "data-mx-bg-color", "data-mx-maths"];

/** Longer messages are shown as text: nobody writes so much markup. */
const limit = 100_000;

/** The tree of a message's HTML without what could act; null if it is too long. */
export function sanitized(html: string): DocumentFragment | null {
  if (html.length > limit) return null;
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: [...tags],
    ALLOWED_ATTR: attributes,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:(?:https?|ftp|mailto|magnet|matrix|mxc):|\/room\/)/i,
    // These hold no address, so they need not look like one.
    ADD_URI_SAFE_ATTR: attributes.filter((a) => a !== "href" && a !== "src"),
    ADD_FORBID_CONTENTS: ["mx-reply", "form", "button", "select", "textarea", "object", "embed", "applet"],
    RETURN_DOM_FRAGMENT: true,
  });
}

const link = /^(https?|ftp|mailto|magnet|matrix):/i;

/** The address of a link in a message, if it is one that may be followed. */
export function safeLink(href: string): string | null {
  const clean = href.trim();
  if (!link.test(clean)) return null;
  try {
    return new URL(clean).href;
  } catch {
    return null;
  }
}

/** What a link means within the app. */
export type Inside = { kind: "user"; id: string } | { kind: "room"; id: string; event: string | null };

/** Reads matrix.to addresses, matrix: addresses and those of this app; null for others. Spec: appendices#uris */
export function insideLink(href: string): Inside | null {
  let path: string[];
  const to = /^https:\/\/matrix\.to\/#\/(.+)$/.exec(href);
  const uri = /^matrix:(u|r|roomid)\/([^?/]+)(?:\/e\/([^?/]+))?/.exec(href);
  try {
    if (to) {
      path = (to[1] as string).split("?")[0]?.split("/").map(decodeURIComponent) ?? [];
    } else if (uri) {
      const sigil = { u: "@", r: "#", roomid: "!" }[uri[1] as "u" | "r" | "roomid"];
      path = [sigil + decodeURIComponent(uri[2] as string), ...(uri[3] ? [`$${decodeURIComponent(uri[3])}`] : [])];
    } else {
      const url = new URL(href, location.href);
      const room = url.origin === location.origin ? /^\/room\/([^/]+)$/.exec(url.pathname) : null;
      if (!room) return null;
      path = [decodeURIComponent(room[1] as string), ...(url.searchParams.get("event") ? [url.searchParams.get("event") as string] : [])];
    }
  } catch {
    return null;
  }
  const [id = "", event = ""] = path;
  if (/^@[^:]+:.+/.test(id)) return { kind: "user", id };
  if (/^[!#]/.test(id)) return { kind: "room", id, event: event.startsWith("$") ? event : null };
  return null;
}

/** A piece of plain text: text or an address in it. */
export interface Piece {
  text: string;
  href: string | null;
}

const address = /\b(?:https?:\/\/|www\.)[^\s<>"']+|\bmailto:[^\s<>"']+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/gi;

/** Finds the addresses in a text. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  for (const found of text.matchAll(address)) {
    let raw = found[0];
    // What ends a sentence does not belong to the address, nor does a bracket that was opened before it.
    for (;;) {
      const last = raw.at(-1) ?? "";
      if (/[.,;:!?*_~]/.test(last) || (last === ")" && raw.split("(").length < raw.split(")").length) || (last === "]" && !raw.includes("["))) raw = raw.slice(0, -1);
      else break;
    }
    const start = found.index;
    if (start > 0 && /[@:#!/\w]/.test(text[start - 1] ?? "")) continue; // part of a Matrix id or of something longer
    const href = safeLink(/^www\./i.test(raw) ? `https://${raw}` : /^(https?|mailto):/i.test(raw) ? raw : `mailto:${raw}`);
    if (href === null) continue;
    if (start > at) pieces.push({ text: text.slice(at, start), href: null });
    pieces.push({ text: raw, href });
    at = start + raw.length;
  }
  if (at < text.length) pieces.push({ text: text.slice(at), href: null });
  return pieces;
}

import type { FileInfo } from "@/matrix/file.ts";

/** How a file that is neither picture nor film nor sound is shown in the page. */
export type Preview = "pdf" | "text";

/** Beyond these sizes a file is only downloaded: it has to be fetched and decrypted as a whole before any of it is shown. */
const limits: Record<Preview, number> = { pdf: 100_000_000, text: 20_000_000 };

const unsaid = new Set(["", "application/octet-stream", "binary/octet-stream"]);
const asText = /^(text\/(?!html$|rtf$).+|application\/(json|xml|yaml|x-yaml|toml|javascript|sql|x-sh|x-ndjson|ld\+json))$/;
const endings = /\.(txt|text|log|md|markdown|csv|tsv|json|jsonl|xml|ya?ml|toml|ini|conf|cfg|properties|sh|ps1|bat|py|go|rs|js|ts|tsx|jsx|css|java|kt|c|h|cc|cpp|hpp|cs|rb|php|sql|diff|patch|eml|ics|vcf)$/i;

/** Which preview a file has; null if none. */
export function previewOf(file: Pick<FileInfo, "mime" | "name" | "size" | "kind">): Preview | null {
  if (file.kind !== "file") return null;
  const mime = (file.mime.split(";")[0] ?? "").trim().toLowerCase();
  const kind = kindOf(mime, file.name);
  return kind !== null && (file.size ?? 0) <= limits[kind] ? kind : null;
}

function kindOf(mime: string, name: string): Preview | null {
  if (mime === "application/pdf" || mime === "application/x-pdf" || (unsaid.has(mime) && /\.pdf$/i.test(name))) return "pdf";
  return asText.test(mime) || (unsaid.has(mime) && endings.test(name)) ? "text" : null;
}

/** How much of a text is shown: bytes. */
export const textLimit = 200 * 1024;

export interface ShownText {
  text: string;
  /** There is more of it in the file. */
  cut: boolean;
}

/** The beginning of a file as text, in the encoding that it seems to have; null if it is not text. */
export function readText(bytes: Uint8Array, limit = textLimit): ShownText | null {
  const cut = bytes.length > limit;
  const part = bytes.subarray(0, limit);
  const [first, second] = part;
  if (first === 0xff && second === 0xfe) return { text: new TextDecoder("utf-16le").decode(part, { stream: cut }), cut };
  if (first === 0xfe && second === 0xff) return { text: new TextDecoder("utf-16be").decode(part, { stream: cut }), cut };
  if (part.includes(0)) return null;
  try {
    // As a stream, a character that the limit cuts in two is left out instead of being a mistake.
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(part, { stream: cut }), cut };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(part), cut };
  }
}

/** Browsers refuse larger canvases, phones the first. */
const mostPixels = 16_000_000;
const mostAcross = 8192;

/** How many pixels of the canvas stand for one of the page's, so that it is sharp where that is possible. */
export function density(width: number, height: number, ratio: number): number {
  return Math.min(ratio, Math.sqrt(mostPixels / (width * height)), mostAcross / width, mostAcross / height);
}

export const zooms = [0.5, 0.75, 1, 1.25, 1.5, 2, 3, 4] as const;

/** The next zoom in a direction, or the same at the end. */
export function zoomed(zoom: number, by: 1 | -1): number {
  const next = by > 0 ? zooms.find((z) => z > zoom) : zooms.findLast((z) => z < zoom);
  return next ?? zoom;
}

/** The page that a number typed in means, counted from 1; null for none. */
export function pageTyped(text: string, count: number): number | null {
  const n = /^\s*\d+\s*$/.test(text) ? Number(text) : NaN;
  return n >= 1 ? Math.min(n, count) : null;
}

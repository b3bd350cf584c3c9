import type { ImportRow } from "./api.ts";

const columns = ["line", "user_name", "display_name", "email", "admin", "outcome", "problem", "link", "password"] as const;

/** One field of a CSV file: quoted where it must be (RFC 4180), and never something that a spreadsheet would calculate. */
export function csvField(value: string): string {
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** What came of an import, as CSV: for handing out the links and passwords. */
export function reportCsv(rows: ImportRow[]): string {
  const lines = rows.map((r) => columns.map((c) => csvField(String(r[c] ?? ""))).join(","));
  return `${[columns.join(","), ...lines].join("\r\n")}\r\n`;
}

/** The largest table that the server takes. */
export const maxTable = 2 * 1024 * 1024;

/** What is wrong with a file before it is sent, as a key of this folder's texts. */
export function tableProblem(text: string): string | null {
  if (new Blob([text]).size > maxTable) return "import.tooLarge";
  const head = (text.replace(/^\uFEFF/, "").split(/\r?\n/, 1)[0] ?? "").toLowerCase();
  return head.split(/[,;\t]/).some((c) => c.trim().replaceAll('"', "") === "user_name") ? null : "import.noHeader";
}

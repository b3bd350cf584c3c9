import type { Body } from "./message.ts";

/** The text without the quotation that older clients put before a reply. Spec: cs#rich-replies */
export function strippedReply(body: string): string {
  if (!body.startsWith("> ")) return body;
  const lines = body.split("\n");
  let i = 0;
  while (i < lines.length && lines[i]?.startsWith(">")) i++;
  if (lines[i] === "") i++;
  return lines.slice(i).join("\n");
}

export function strippedHtml(html: string): string {
  return html.replace(/^\s*<mx-reply>[\s\S]*?<\/mx-reply>/i, "");
}

const covered = "▒▒▒";
const named: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

function character(whole: string, name: string): string {
  if (!name.startsWith("#")) return named[name] ?? whole;
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

/** A formatted text as people read it, in one line: without its marks, and with what the writer covered still covered. It is text, never to be shown as HTML. */
export function lineOfHtml(html: string): string {
  return strippedHtml(html)
    .slice(0, 4000)
    .replace(/<span[^>]*\sdata-mx-spoiler[^>]*>((?!<span)[\s\S])*?<\/span>/gi, covered)
    .replace(/<span[^>]*\sdata-mx-spoiler[^>]*>[\s\S]*/gi, covered) // with spans inside: better too much than too little
    .replace(/<(br|hr|\/?(p|div|li|ul|ol|pre|blockquote|h[1-6]|tr|td|th|table))\b[^>]*>/gi, " ")
    .replace(/<[^>]*>/g, "")
    .replace(/&(#x[0-9a-f]{1,6}|#\d{1,7}|[a-z]+);/gi, character)
    .replace(/\s+/g, " ")
    .trim();
}

/** One line that stands for a message: in previews of replies, threads and pins. Words come from the caller where there is no text. */
export function plainText(body: Body | null): string {
  switch (body?.kind) {
    case "text":
      return (body.html === null ? body.text.replace(/\s+/g, " ").trim() : lineOfHtml(body.html)).slice(0, 300);
    case "file":
      return body.file.caption || body.file.name;
    case "location":
    case "unknown":
      return body.text;
    default:
      return "";
  }
}

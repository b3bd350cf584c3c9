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

/** One line that stands for a message: in previews of replies, threads and pins. Words come from the caller where there is no text. */
export function plainText(body: Body | null): string {
  switch (body?.kind) {
    case "text":
      return body.text.replace(/\s+/g, " ").trim().slice(0, 300);
    case "file":
      return body.file.caption || body.file.name;
    case "location":
    case "unknown":
      return body.text;
    default:
      return "";
  }
}

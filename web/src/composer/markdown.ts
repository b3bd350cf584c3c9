import MarkdownIt from "markdown-it";
import type { TextContent } from "@/matrix/send.ts";

/** A text in the writing field that stands for a person or a room: what was chosen in the completion. */
export interface Mention {
  /** As it stands in the text: `@Alice Archer`, `#board:example.org`. */
  text: string;
  /** User id or room address. */
  id: string;
}

/** The specification's elements only, and no pictures from elsewhere. HTML that somebody types is text. */
const md = new MarkdownIt("default", { html: false, linkify: false, breaks: true }).disable(["image", "reference"]);
md.validateLink = (url) => /^(https?|mailto|matrix|ftp):/i.test(url.trim());

// Private-use characters stand for mentions while the text passes through markdown, so that a name like *Bob* stays a name.
const open = "\uE000";
const close = "\uE001";
const marked = new RegExp(`${open}(\\d+)${close}`, "g");

const escapeRegExp = (s: string): string => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** Finds mentions in a text: those that were chosen, and whole user ids of members. Longer texts first, and only where a word ends. */
function mark(text: string, mentions: readonly Mention[]): string {
  const sorted = [...mentions].map((m, i) => ({ ...m, i })).sort((a, b) => b.text.length - a.text.length);
  if (sorted.length === 0) return text;
  const any = new RegExp(`(?<![\\p{L}\\p{N}_])(${sorted.map((m) => escapeRegExp(m.text)).join("|")})(?![\\p{L}\\p{N}_])`, "gu");
  return text.replace(any, (found) => `${open}${sorted.find((m) => m.text === found)?.i ?? 0}${close}`);
}

export const linkTo = (id: string): string => `https://matrix.to/#/${encodeURIComponent(id)}`;

type Token = ReturnType<typeof md.parse>[number];

/** Makes links of the marks in running text, and plain text again in code. */
function resolve(tokens: Token[], mentions: readonly Mention[], used: Set<Mention>): void {
  const textOf = (s: string) => s.replace(marked, (_, i: string) => mentions[Number(i)]?.text ?? "");
  for (const token of tokens) {
    if (token.children === null) {
      token.content = textOf(token.content);
      token.info = textOf(token.info);
      continue;
    }
    let inLink = 0;
    token.children = token.children.flatMap((child): Token[] => {
      if (child.type === "link_open") {
        inLink++;
        const href = child.attrGet("href");
        if (href !== null) child.attrSet("href", textOf(decodeMarks(href)));
      }
      if (child.type === "link_close") inLink--;
      if (child.type !== "text" || inLink > 0) {
        child.content = textOf(child.content);
        return [child];
      }
      return split(child, mentions, used);
    });
  }
}

const decodeMarks = (href: string): string => href.replaceAll(encodeURIComponent(open), open).replaceAll(encodeURIComponent(close), close);

function split(token: Token, mentions: readonly Mention[], used: Set<Mention>): Token[] {
  const make = (type: string, tag: string, nesting: -1 | 0 | 1, content = ""): Token => Object.assign(new (token.constructor as new (t: string, tag: string, n: number) => Token)(type, tag, nesting), { content });
  const parts: Token[] = [];
  let at = 0;
  for (const found of token.content.matchAll(marked)) {
    const mention = mentions[Number(found[1])];
    if (found.index > at) parts.push(make("text", "", 0, token.content.slice(at, found.index)));
    at = found.index + found[0].length;
    if (!mention) continue;
    used.add(mention);
    const link = make("link_open", "a", 1);
    link.attrSet("href", linkTo(mention.id));
    parts.push(link, make("text", "", 0, mention.text), make("link_close", "a", -1));
  }
  if (at < token.content.length) parts.push(make("text", "", 0, token.content.slice(at)));
  return parts;
}

/** Whether markdown found nothing in the text: then it is sent without HTML. */
function isPlain(tokens: Token[], text: string): boolean {
  let seen = "";
  for (const token of tokens) {
    if (token.type === "paragraph_open" && seen !== "") seen += "\n\n";
    if (!["paragraph_open", "paragraph_close", "inline"].includes(token.type)) return false;
    for (const child of token.children ?? []) {
      if (child.type === "softbreak") seen += "\n";
      else if (child.type === "text") seen += child.content;
      else return false;
    }
  }
  const squeezed = (s: string) => s.replace(/[ \t]+$/gm, "").replace(/^[ \t]+/gm, "").replace(/\n{2,}/g, "\n\n").trim();
  return squeezed(seen) === squeezed(text);
}

export interface Options {
  msgtype?: TextContent["msgtype"];
  /** No markdown: the text as it is. */
  plain?: boolean;
  /** Whether @room may be used here. */
  room?: boolean;
}

/** The message that a written text becomes. */
export function toContent(source: string, mentions: readonly Mention[], { msgtype = "m.text", plain = false, room = false }: Options = {}): TextContent {
  const text = source.replaceAll(open, "").replaceAll(close, "").trim();
  if (plain) return { msgtype, body: text, html: null, mentions: { users: [], room: false } };
  const tokens = md.parse(mark(text, mentions), {});
  const used = new Set<Mention>();
  resolve(tokens, mentions, used);
  const inCode = (t: Token): string => (t.children ?? []).filter((c) => c.type === "text").map((c) => c.content).join(" ");
  const atRoom = room && tokens.some((t) => /(?<![\p{L}\p{N}_])@room(?![\p{L}\p{N}_])/u.test(inCode(t)));
  const html = isPlain(tokens, text) ? null : render(tokens);
  const users = [...new Set([...used].map((m) => m.id).filter((id) => id.startsWith("@")))];
  return { msgtype, body: text, html, mentions: { users, room: atRoom } };
}

/** HTML without the paragraph around a text that has only one. */
function render(tokens: Token[]): string {
  if (tokens.length === 3 && tokens[0]?.type === "paragraph_open") {
    tokens[0].hidden = true;
    (tokens[2] as Token).hidden = true;
  }
  return md.renderer.render(tokens, md.options, {}).trim().replace(/<(s)>/g, "<del>").replace(/<\/(s)>/g, "</del>");
}

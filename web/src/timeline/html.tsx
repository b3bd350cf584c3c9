import { createElement, Fragment, type ReactNode, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { CodeBlock } from "./CodeBlock.tsx";
import classes from "./Html.module.css";
import { InlineImage } from "./InlineImage.tsx";
import { MessageLink } from "./MessageLink.tsx";
import { linkify, safeLink, sanitized, tags } from "./sanitize.ts";

const allowed = new Set<string>(tags);
const empty = new Set(["br", "hr", "img"]);
const deepest = 40;
const blank = /^\s*$/;
/** Where white space alone may not stand. */
const structure = new Set(["table", "thead", "tbody", "tr", "ul", "ol"]);

function Spoiler({ reason, children }: { reason: string; children: ReactNode }) {
  const { t } = useTranslation("timeline");
  const [shown, setShown] = useState(false);
  if (shown) return <span className={classes.spoilerShown}>{children}</span>;
  return (
    <button type="button" className={classes.spoiler} onClick={() => setShown(true)}>
      {reason === "" ? t("spoiler") : t("spoilerOf", { reason })}
    </button>
  );
}

function children(node: Node, depth: number): ReactNode[] {
  const inStructure = node instanceof Element && structure.has(node.localName);
  return [...node.childNodes].filter((c) => !(inStructure && c.nodeType === Node.TEXT_NODE && blank.test(c.nodeValue ?? ""))).map((c, i) => <Fragment key={i}>{toReact(c, depth + 1)}</Fragment>);
}

/** Makes React elements of what DOMPurify left. Attributes are set one by one: nothing is passed on that is not named here. */
function toReact(node: Node, depth: number): ReactNode {
  if (node.nodeType === Node.TEXT_NODE) {
    const text = node.nodeValue ?? "";
    return node.parentElement?.closest("a, code, pre") ? text : <Linkified text={text} />;
  }
  if (!(node instanceof Element)) return null;
  const tag = node.localName;
  if (!allowed.has(tag) || depth > deepest) return node.textContent;
  switch (tag) {
    case "a": {
      const href = safeLink(node.getAttribute("href") ?? "");
      return href === null ? <span>{children(node, depth)}</span> : <MessageLink href={href} title={node.getAttribute("title")}>{children(node, depth)}</MessageLink>;
    }
    case "img":
      return <InlineImage src={node.getAttribute("src") ?? ""} alt={node.getAttribute("alt") ?? node.getAttribute("title") ?? ""} height={Number(node.getAttribute("height"))} />;
    case "pre": {
      const code = node.querySelector("code");
      const language = /(?:^|\s)language-([\w+#-]+)/.exec(code?.getAttribute("class") ?? "")?.[1] ?? null;
      return <CodeBlock text={(node.textContent ?? "").replace(/\n$/, "")} language={language} />;
    }
    case "span": {
      const spoiler = node.getAttribute("data-mx-spoiler");
      return spoiler === null ? <span>{children(node, depth)}</span> : <Spoiler reason={spoiler}>{children(node, depth)}</Spoiler>;
    }
    case "ol": {
      const start = Number.parseInt(node.getAttribute("start") ?? "", 10);
      return <ol {...(Number.isSafeInteger(start) ? { start } : {})}>{children(node, depth)}</ol>;
    }
    case "table":
      return (
        <div className={classes.wide}>
          <table>{children(node, depth)}</table>
        </div>
      );
    // Headings of messages are none of the page.
    case "h1": case "h2": case "h3": case "h4": case "h5": case "h6":
      return <p className={classes.heading} data-level={tag[1]}>{children(node, depth)}</p>;
    default:
      return empty.has(tag) ? createElement(tag) : createElement(tag, null, ...children(node, depth));
  }
}

/** The HTML of a message. */
export function Html({ html, text }: { html: string; text: string }) {
  const content = useMemo(() => {
    try {
      const tree = sanitized(html);
      if (tree !== null) return <div className={classes.html}>{children(tree, 0)}</div>;
    } catch {
      // Nested beyond what can be walked: nobody writes so.
    }
    return <PlainText text={text} />;
  }, [html, text]);
  return content;
}

function Linkified({ text }: { text: string }) {
  if (!/[.:]/.test(text)) return text;
  return linkify(text).map((p, i) => (p.href === null ? p.text : <MessageLink key={i} href={p.href} title={null}>{p.text}</MessageLink>));
}

const emojiOnly = /^(?:\p{RI}\p{RI}|\p{Emoji_Presentation}|\p{Emoji}\uFE0F|[\p{Emoji_Modifier}\u200D\uFE0F\s])+$/u;

/** A message without markup: its lines and the addresses in it. */
export function PlainText({ text }: { text: string }) {
  const big = text.length <= 30 && emojiOnly.test(text) && [...new Intl.Segmenter().segment(text.replace(/\s/g, ""))].length <= 5;
  return (
    <div className={classes.plain} data-big={big || undefined}>
      <Linkified text={text} />
    </div>
  );
}

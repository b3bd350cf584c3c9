import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import markdown from "highlight.js/lib/languages/markdown";
import php from "highlight.js/lib/languages/php";
import powershell from "highlight.js/lib/languages/powershell";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

const languages = { bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, markdown, php, powershell, python, ruby, rust, sql, swift, typescript, xml, yaml };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

export type Token = string | { scope: string; children: Token[] };

interface Tree {
  scope?: string;
  language?: string;
  children?: (Tree | string)[];
}

const tokens = (nodes: (Tree | string)[]): Token[] => nodes.map((n) => (typeof n === "string" ? n : { scope: n.scope ?? "", children: tokens(n.children ?? []) }));

/** Splits code into coloured pieces: the tree that the highlighter would otherwise write as HTML. Without a language, it guesses. */
export function highlight(text: string, language: string | null): Token[] {
  const known = language !== null && hljs.getLanguage(language) !== undefined;
  if (language !== null && !known) return [text];
  const result = known ? hljs.highlight(text, { language, ignoreIllegals: true }) : hljs.highlightAuto(text);
  const tree = (result._emitter as unknown as { rootNode?: Tree }).rootNode;
  return tree?.children ? tokens(tree.children) : [text];
}

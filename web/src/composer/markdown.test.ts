import { describe, expect, test } from "vitest";
import { toContent } from "./markdown.ts";

const alice = { text: "@Alice Archer", id: "@alice:example.org" };
const al = { text: "@Al", id: "@al:example.org" };
const board = { text: "#board:example.org", id: "#board:example.org" };
const link = (m: { text: string; id: string }) => `<a href="https://matrix.to/#/${encodeURIComponent(m.id)}">${m.text}</a>`;

describe("a written text", () => {
  test.each(["hello", "two\nlines", "first\n\nsecond", "2 < 3 & 4 > 1", "a_b_c and https://example.org/a_b_c", "it's 5 o'clock"])("without markdown is sent without HTML: %j", (text) => {
    expect(toContent(text, [])).toEqual({ msgtype: "m.text", body: text, html: null, mentions: { users: [], room: false } });
  });

  test.each([
    ["**bold** and *slanted*", "<strong>bold</strong> and <em>slanted</em>"],
    ["~~gone~~", "<del>gone</del>"],
    ["`a < b`", "<code>a &lt; b</code>"],
    ["*one*\ntwo", "<em>one</em><br>\ntwo"],
    ["```go\nx := 1\n```", '<pre><code class="language-go">x := 1\n</code></pre>'],
    ["- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"],
    ["> said", "<blockquote>\n<p>said</p>\n</blockquote>"],
    ["*a*\n\nb", "<p><em>a</em></p>\n<p>b</p>"],
    ["[here](https://example.org)", '<a href="https://example.org">here</a>'],
    ["\\*not slanted\\*", "*not slanted*"],
  ])("with markdown: %j", (text, html) => {
    const content = toContent(text, []);
    expect(content.html).toBe(html);
    expect(content.body).toBe(text);
  });

  test.each([
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "[x](  JaVaScRiPt:alert(1))", "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://evil.example/p.png)", "[a]: javascript:alert(1)\n\n[a]", "<https://x.example/\"onmouseover=alert(1)>", "[x](vbscript:x)", "```\"><script>\n</script>\n```",
    "[x](https://a.example \"title\\\" onclick=alert(1)\")",
  ])("can never make anything run: %j", (text) => {
    const page = new DOMParser().parseFromString(toContent(text, [], {}).html ?? "", "text/html");
    expect(page.querySelectorAll("script, img, iframe, style, svg").length).toBe(0);
    for (const e of page.body.querySelectorAll("*")) {
      for (const a of e.attributes) {
        expect(["href", "title", "class", "start"]).toContain(a.name);
        if (a.name === "href") expect(a.value).toMatch(/^(https?|mailto|matrix):/);
      }
    }
  });
});

describe("mentions", () => {
  test("become links, and m.mentions has exactly them", () => {
    const content = toContent("Hi @Alice Archer, see #board:example.org", [alice, al, board]);
    expect(content.html).toBe(`Hi ${link(alice)}, see ${link(board)}`);
    expect(content.body).toBe("Hi @Alice Archer, see #board:example.org");
    expect(content.mentions).toEqual({ users: ["@alice:example.org"], room: false });
  });

  test("that were deleted, are part of a word, or stand in code are none", () => {
    expect(toContent("Hi @Alice", [alice]).mentions.users).toEqual([]);
    expect(toContent("@Alan x@Al", [al]).mentions.users).toEqual([]);
    const code = toContent("`@Al` and\n```\n@Al\n```", [al]);
    expect(code.mentions.users).toEqual([]);
    expect(code.html).toContain("<code>@Al</code>");
    expect(code.html).toContain("<pre><code>@Al\n</code></pre>");
  });

  test("of names with markdown in them stay names", () => {
    const star = { text: "@*Bob*_x_", id: "@bob:example.org" };
    expect(toContent("**hey** @*Bob*_x_!", [star]).html).toBe(`<strong>hey</strong> ${link(star)}!`);
  });

  test("within emphasis are links within it", () => {
    expect(toContent("**@Al**", [al]).html).toBe(`<strong>${link(al)}</strong>`);
  });

  test("of the whole room count where they are allowed, outside code", () => {
    expect(toContent("@room lunch", [], { room: true }).mentions.room).toBe(true);
    expect(toContent("@room lunch", [], { room: false }).mentions.room).toBe(false);
    expect(toContent("`@room` lunch", [], { room: true }).mentions.room).toBe(false);
    expect(toContent("@roommate", [], { room: true }).mentions.room).toBe(false);
  });

  test("in a plain text are text", () => {
    expect(toContent("**@Al**", [al], { plain: true })).toEqual({ msgtype: "m.text", body: "**@Al**", html: null, mentions: { users: [], room: false } });
  });
});

import { MatrixEvent } from "matrix-js-sdk";
import { expect, test } from "vitest";
import { previewOf } from "./roomspreview.ts";

const event = (type: string, content: object, more: object = {}): MatrixEvent =>
  new MatrixEvent({ type, content, event_id: "$1", sender: "@a:b", room_id: "!r", origin_server_ts: 1, ...more } as never);
const message = (content: object) => previewOf(event("m.room.message", content));

test("a text is one line, without the quoted part of a reply", () => {
  expect(message({ msgtype: "m.text", body: "> <@b:c> what?\n> really\n\nyes,\n  really" })).toEqual({ kind: "text", text: "yes, really" });
});

test("a formatted text is told as it is read, its covered parts covered", () => {
  const html = (formatted_body: string) => message({ msgtype: "m.text", body: "*raw*", format: "org.matrix.custom.html", formatted_body })?.text;
  expect(html("The <code>dv01</code> is <strong>224k</strong>")).toBe("The dv01 is 224k");
  expect(html("<mx-reply><blockquote>before</blockquote></mx-reply><p>one</p><p>two &amp; &#x33; &lt;b&gt;</p>")).toBe("one two & 3 <b>");
  expect(html('the end: <span data-mx-spoiler="film">all <b>die</b></span>!')).toBe("the end: ▒▒▒!");
  expect(html('it was <span data-mx-spoiler><span>the</span> butler</span>')).toBe("it was ▒▒▒");
  expect(html("&#x110000; &bogus; a<img src=x onerror=y>b")).toBe("&#x110000; &bogus; ab");
});

test("files are named by what they are", () => {
  expect(message({ msgtype: "m.image", body: "IMG_1.jpg" })).toEqual({ kind: "image", text: "" });
  expect(message({ msgtype: "m.image", body: "our boat", filename: "IMG_1.jpg" })).toEqual({ kind: "image", text: "our boat" });
  expect(message({ msgtype: "m.file", body: "plan.pdf" })).toEqual({ kind: "file", text: "plan.pdf" });
  expect(message({ msgtype: "m.audio", body: "v.ogg", "org.matrix.msc3245.voice": {} })).toEqual({ kind: "voice", text: "" });
});

test("edits and reactions are no message of their own", () => {
  expect(message({ msgtype: "m.text", body: "* b", "m.new_content": { body: "b" }, "m.relates_to": { rel_type: "m.replace", event_id: "$0" } })).toBeNull();
  expect(previewOf(event("m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: "$0", key: "+" } }))).toBeNull();
});

test("polls say their question", () => {
  expect(previewOf(event("org.matrix.msc3381.poll.start", { "org.matrix.msc3381.poll.start": { question: { "org.matrix.msc1767.text": "Lunch?", body: "Lunch?" } } }))).toEqual({ kind: "poll", text: "Lunch?" });
});

test("who came and went is told, a new picture is not", () => {
  const member = (now: string, before: string) => previewOf(event("m.room.member", { membership: now, displayname: "Ann" }, { state_key: "@a:b", unsigned: { prev_content: { membership: before } } }));
  expect(member("join", "invite")).toEqual({ kind: "joined", text: "Ann" });
  expect(member("leave", "join")).toEqual({ kind: "left", text: "Ann" });
  expect(member("join", "join")).toBeNull();
});

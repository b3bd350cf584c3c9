// @vitest-environment node
import { describe, expect, test } from "vitest";
import { editContent, pollContent, relation, type TextContent, textContent } from "./send.ts";
import { resample, voiceContent } from "./voice.ts";
import { fileContent } from "./uploadQueue.ts";

const hello: TextContent = { msgtype: "m.text", body: "Hi **@Bob**", html: "Hi <strong>@Bob</strong>", mentions: { users: ["@bob:x"], room: false } };

describe("contents", () => {
  test("always say who is mentioned, even nobody (MSC3952)", () => {
    expect(textContent({ msgtype: "m.text", body: "hi", html: null, mentions: { users: [], room: false } })).toEqual({ msgtype: "m.text", body: "hi", "m.mentions": {} });
    expect(textContent(hello)).toEqual({
      msgtype: "m.text", body: "Hi **@Bob**", format: "org.matrix.custom.html", formatted_body: "Hi <strong>@Bob</strong>", "m.mentions": { user_ids: ["@bob:x"] },
    });
  });

  test("of an edit tell only those who were not mentioned before", () => {
    const edit = editContent({ ...hello, mentions: { users: ["@bob:x", "@eve:x"], room: true } }, "$1", ["@bob:x"]);
    expect(edit["m.mentions"]).toEqual({ user_ids: ["@eve:x"], room: true });
    expect((edit["m.new_content"] as Record<string, unknown>)["m.mentions"]).toEqual({ user_ids: ["@bob:x", "@eve:x"], room: true });
    expect(edit).toMatchObject({ body: "* Hi **@Bob**", formatted_body: "* Hi <strong>@Bob</strong>", "m.relates_to": { rel_type: "m.replace", event_id: "$1" } });
  });

  test("relate to what they answer and the thread they are in", () => {
    expect(relation(null, null, null)).toEqual({});
    expect(relation(null, "$a", null)).toEqual({ "m.relates_to": { "m.in_reply_to": { event_id: "$a" } } });
    expect(relation("$t", null, "$last")).toEqual({ "m.relates_to": { rel_type: "m.thread", event_id: "$t", is_falling_back: true, "m.in_reply_to": { event_id: "$last" } } });
    expect(relation("$t", null, null)).toEqual({ "m.relates_to": { rel_type: "m.thread", event_id: "$t", is_falling_back: true, "m.in_reply_to": { event_id: "$t" } } });
    expect(relation("$t", "$a", "$last")).toEqual({ "m.relates_to": { rel_type: "m.thread", event_id: "$t", is_falling_back: false, "m.in_reply_to": { event_id: "$a" } } });
  });

  test("of a poll are as MSC3381 has them", () => {
    expect(pollContent({ question: "Lunch?", answers: ["Soup", "Rice"], max: 1, disclosed: false })).toEqual({
      "org.matrix.msc3381.poll.start": {
        question: { "org.matrix.msc1767.text": "Lunch?", body: "Lunch?", msgtype: "m.text" }, kind: "org.matrix.msc3381.poll.undisclosed", max_selections: 1,
        answers: [{ id: "1", "org.matrix.msc1767.text": "Soup" }, { id: "2", "org.matrix.msc1767.text": "Rice" }],
      },
      "org.matrix.msc1767.text": "Lunch?\n1. Soup\n2. Rice", "m.mentions": {},
    });
  });

  test("of a voice message have a waveform of whole numbers up to 1024 (MSC3245)", () => {
    const voice = voiceContent(1234.6, [0, 0.5, 2]);
    expect(voice["org.matrix.msc3245.voice"]).toEqual({});
    const { duration, waveform } = voice["org.matrix.msc1767.audio"] as { duration: number; waveform: number[] };
    expect(duration).toBe(1235);
    expect(new Set(waveform)).toEqual(new Set([0, 512, 1024]));
    expect(resample([1, 9, 2, 3], 2)).toEqual([9, 3]);
    expect(resample([1, 2], 4)).toEqual([1, 1, 2, 2]);
  });

  test("of a picture say its size, its name and its caption", () => {
    const blob = new Blob(["12345"], { type: "image/png" });
    const file = { blob, name: "a.png", mime: "image/png", kind: "image" as const, width: 4, height: 3, caption: "Look", thumbnail: { blob: new Blob(["1"], { type: "image/jpeg" }), width: 2, height: 1 } };
    expect(fileContent(file, { url: "mxc://x/a" }, { where: { url: "mxc://x/t" } })).toEqual({
      msgtype: "m.image", body: "Look", filename: "a.png", url: "mxc://x/a",
      info: { mimetype: "image/png", size: 5, w: 4, h: 3, thumbnail_url: "mxc://x/t", thumbnail_info: { mimetype: "image/jpeg", size: 1, w: 2, h: 1 } },
    });
    expect(fileContent({ ...file, caption: "" }, { file: { url: "mxc://x/a" } }, null)).toMatchObject({ body: "a.png", filename: "a.png", file: { url: "mxc://x/a" } });
  });
});

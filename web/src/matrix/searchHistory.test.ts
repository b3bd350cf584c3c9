// @vitest-environment node
import "fake-indexeddb/auto";
import { MatrixEvent } from "matrix-js-sdk";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encryption } from "./encryption.ts";
import { readEvent, searchedText } from "./searchEvents.ts";
import { History } from "./searchHistory.ts";
import type { Change, Job, Sink } from "./searchTypes.ts";

const message = (id: string, ts: number, content: object, more: object = {}) => ({ event_id: id, room_id: "!a:x", sender: "@bob:x", type: "m.room.message", origin_server_ts: ts, content: { msgtype: "m.text", body: "", ...content }, ...more });

describe("what is searched of an event", () => {
  test.each([
    ["text", { msgtype: "m.text", body: "see https://example.org" }, "see https://example.org", ["link"]],
    ["a mention is no link", { msgtype: "m.text", body: "Bob", formatted_body: '<a href="https://matrix.to/#/@bob:x">Bob</a>' }, "Bob", []],
    ["a named link", { msgtype: "m.text", body: "here", formatted_body: '<a href="https://example.org">here</a>' }, "here", ["link"]],
    ["a picture with a caption", { msgtype: "m.image", body: "our hut", filename: "hut.png", url: "mxc://x/abc" }, "hut.png\nour hut", ["file", "image"]],
    ["a file", { msgtype: "m.file", body: "plan.pdf", url: "mxc://x/abc" }, "plan.pdf", ["file"]],
    ["an answer without its quotation", { msgtype: "m.text", body: "> <@bob:x> question\n\nanswer" }, "answer", []],
  ])("%s", (_, content, text, kinds) => expect(searchedText("m.room.message", content, true)).toEqual({ text, kinds }));

  test("edits name their message, redacted and encrypted events give nothing yet", () => {
    const edit = message("$e", 2, { body: "* new", "m.new_content": { msgtype: "m.text", body: "new" }, "m.relates_to": { rel_type: "m.replace", event_id: "$1" } });
    expect(readEvent(new MatrixEvent(edit))).toEqual({ edit: { id: "$e", ts: 2, sender: "@bob:x", text: "new", kinds: [], target: "$1" } });
    expect(readEvent(new MatrixEvent(message("$1", 1, { body: "x" }, { unsigned: { redacted_because: { event_id: "$r", content: {} } } })))).toBeNull();
    expect(readEvent(new MatrixEvent({ ...message("$1", 1, {}), type: "m.room.encrypted" }))).toBe("unreadable");
    expect(readEvent(new MatrixEvent({ ...message("$1", 1, {}), type: "m.room.topic", state_key: "" }))).toBeNull();
  });
});

/** A room of 250 messages on a server that gives pages of 100 and names places by how many are left. */
class FakeServer {
  asked: (string | null)[] = [];
  fails = 0;
  membership = "join";
  client = {
    getSafeUserId: () => "@anna:x",
    getRoom: () => ({ getMyMembership: () => this.membership, findEventById: () => undefined }),
    getEventMapper: () => (e: object) => new MatrixEvent(e),
    decryptEventIfNeeded: () => Promise.resolve(),
    createMessagesRequest: (_room: string, from: string | null) => {
      this.asked.push(from);
      if (this.fails-- > 0) return Promise.reject(new Error("away"));
      const left = Number(from ?? 250);
      const chunk = Array.from({ length: Math.min(100, left) }, (_, i) => message(`$${left - i}`, left - i, { body: `word ${left - i}` }));
      return Promise.resolve({ chunk, end: left > 100 ? String(left - 100) : undefined });
    },
  };
}

class FakeSink implements Pick<Sink, "unknown" | "apply" | "nextJob" | "takeMissing" | "removeRoom"> {
  jobs: Job[] = [{ from: null, until: null, at: 1000 }];
  known = new Set<string>();
  removed: string[] = [];
  unknown = (_: string, ids: readonly string[]) => Promise.resolve(ids.filter((id) => !this.known.has(id)));
  apply = (_: string, change: Change) => {
    for (const e of change.add ?? []) this.known.add(e.id);
    if (change.job) this.jobs = change.job.now === null ? [] : [change.job.now];
    return Promise.resolve({ refresh: [] });
  };
  nextJob = () => Promise.resolve(this.jobs[0] ? { roomId: "!a:x", job: this.jobs[0] } : null);
  takeMissing = () => Promise.resolve([]);
  removeRoom = (id: string) => (this.removed.push(id), (this.jobs = []), Promise.resolve());
}

describe("going back through history", () => {
  let server: FakeServer;
  let sink: FakeSink;
  let paused: boolean;
  let online: boolean;
  let visible: string;
  let lifetime: number | null;
  const all: History[] = [];
  const history = () => {
    const h = new History({ client: server.client as never, sink: sink as never, paused: () => paused, lifetime: () => lifetime, onProgress: () => undefined });
    all.push(h);
    h.start();
    return h;
  };

  beforeEach(() => {
    [server, sink, paused, online, visible, lifetime] = [new FakeServer(), new FakeSink(), false, true, "visible", null];
    const events = { addEventListener: () => undefined, removeEventListener: () => undefined };
    vi.stubGlobal("document", { ...events, get visibilityState(): string { return visible; } });
    vi.stubGlobal("window", events);
    vi.stubGlobal("navigator", { get onLine(): boolean { return online; } });
    vi.stubGlobal("requestIdleCallback", (act: () => void) => setTimeout(act, 0));
    encryption.setState({ stage: "ready", restore: null });
  });
  afterEach(() => {
    for (const h of all.splice(0)) h.stop();
    vi.unstubAllGlobals();
  });

  test("reads page after page to the beginning", async () => {
    history();
    await expect.poll(() => sink.jobs).toEqual([]);
    expect(server.asked).toEqual([null, "150", "50"]);
    expect(sink.known.size).toBe(250);
  });

  test("goes on where the last run stopped", async () => {
    sink.jobs = [{ from: "50", until: null, at: 51 }];
    history();
    await expect.poll(() => sink.jobs).toEqual([]);
    expect(server.asked).toEqual(["50"]);
  });

  test("stops a gap where the index begins again, whether it meets that message or only known ones", async () => {
    sink.jobs = [{ from: null, until: "$200", at: 1000 }];
    history();
    await expect.poll(() => sink.jobs).toEqual([]);
    expect(server.asked).toEqual([null]);
    sink.jobs = [{ from: null, until: "$gone", at: 1000 }];
    history();
    await expect.poll(() => sink.jobs).toEqual([]);
    expect(server.asked).toEqual([null, null]);
  });

  test("reads no further than the room keeps messages", async () => {
    lifetime = 1; // all of them are from 1970
    history();
    await expect.poll(() => sink.jobs).toEqual([]);
    expect(server.asked).toEqual([null]);
  });

  const halts: [string, begin: () => void, end: () => void][] = [
    ["paused", (): void => void (paused = true), (): void => void (paused = false)],
    ["offline", (): void => void (online = false), (): void => void (online = true)],
    ["hidden", (): void => void (visible = "hidden"), (): void => void (visible = "visible")],
    ["keys", (): void => encryption.setState({ stage: "checking" }), (): void => encryption.setState({ stage: "ready" })],
  ];
  test.each(halts)("waits while %s, and goes on after it", async (why, begin, end) => {
    begin();
    const h = history();
    await expect.poll(() => h.halt).toBe(why);
    expect(server.asked).toEqual([]);
    end();
    h.poke();
    await expect.poll(() => sink.jobs).toEqual([]);
    expect(h.halt).toBeNull();
  });

  test("forgets a room that the user is no longer in", async () => {
    server.membership = "leave";
    history();
    await expect.poll(() => sink.removed).toEqual(["!a:x"]);
    expect(server.asked).toEqual([]);
  });

  test("asks once more when the server was away", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      server.fails = 1;
      vi.spyOn(console, "warn").mockImplementation(() => undefined);
      history();
      for (let i = 0; i < 60 && sink.jobs.length > 0; i++) await vi.advanceTimersByTimeAsync(500);
      expect(server.asked).toEqual([null, null, "150", "50"]);
    } finally {
      vi.useRealTimers();
    }
  });
});

// @vitest-environment node
import { ConnectionError, EventStatus, MatrixError, type MatrixEvent } from "matrix-js-sdk";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createStore } from "zustand/vanilla";

/** A server behind a client, as far as the outbox uses them. */
class Fake {
  up = true;
  refuse: Error | null = null;
  /** The answer gets lost after the server took the message. */
  loseAnswer = false;
  readonly taken: string[] = [];
  readonly bodies: string[] = [];
  readonly pending: MatrixEvent[] = [];
  private next = 0;
  room = {
    reEmitter: { reEmit: () => undefined }, getThread: () => null, getEventForTxnId: () => undefined, findEventById: () => undefined,
    hasPendingEvent: () => false, removePendingEvent: () => true,
    addPendingEvent: (e: MatrixEvent) => void this.pending.push(e),
    updatePendingEvent: (e: MatrixEvent, status: EventStatus) => void e.setStatus(status),
  };
  reEmitter = { reEmit: () => undefined };
  on = () => undefined;
  getRoom = () => this.room;
  getSafeUserId = () => "@anna:x";
  makeTxnId = () => `m${++this.next}`;
  cancelPendingEvent = (e: MatrixEvent) => {
    e.setStatus(EventStatus.CANCELLED);
    this.pending.splice(this.pending.indexOf(e), 1);
  };
  async resendEvent(e: MatrixEvent): Promise<{ event_id: string }> {
    e.setStatus(EventStatus.SENDING);
    await Promise.resolve();
    const fail = (err: Error) => {
      e.setStatus(EventStatus.NOT_SENT);
      return err;
    };
    if (!this.up) throw fail(new ConnectionError("away"));
    if (this.refuse) throw fail(this.refuse);
    const txn = e.getTxnId() as string;
    // Spec: cs#transaction-identifiers
    if (!this.taken.includes(txn)) this.bodies.push(String(e.getContent().body));
    this.taken.push(txn);
    if (this.loseAnswer) throw fail(new ConnectionError("lost"));
    e.setStatus(EventStatus.SENT);
    return { event_id: `$${txn}` };
  }
}

let fake: Fake;
const state = createStore(() => ({ phase: "ready", online: true, synced: true, error: "", userId: "@anna:x" }));
let saved: unknown = null;
vi.mock("./client.ts", () => ({ client: () => fake, state, useClientState: () => undefined }));
vi.mock("./outboxStore.ts", () => ({
  sealedStore: () => ({
    load: () => Promise.resolve(saved),
    save: (v: unknown) => {
      saved = structuredClone(v);
      return Promise.resolve();
    },
  }),
}));

/** The module as after a reload of the page. */
async function load() {
  vi.resetModules();
  fake.pending.length = 0;
  const outbox = await import("./outbox.ts");
  const write = (body: string, source = body) => outbox.enqueue({ roomId: "!r", threadId: null, type: "m.room.message", content: { body }, source: { text: source, mentions: [] } });
  return { ...outbox, write };
}
const kept = () => saved as { txnId: string; content: { body: string }; error: { code: string; message: string } | null }[];
const until = (act: () => void) => vi.waitFor(act, { timeout: 30_000, interval: 5 });
const reconnect = () => {
  fake.up = true;
  state.setState({ online: false });
  state.setState({ online: true });
};

beforeEach(() => {
  vi.stubGlobal("navigator", { onLine: true });
  fake = new Fake();
  saved = null;
});

describe("the outbox", () => {
  test("sends in order, and keeps nothing that was confirmed", async () => {
    const { write } = await load();
    for (const body of ["a", "b", "c"]) await write(body);
    await until(() => expect(fake.bodies).toEqual(["a", "b", "c"]));
    await until(() => expect(kept()).toEqual([]));
  });

  test("shows and keeps what is written offline, and sends it once, in order, when back", async () => {
    fake.up = false;
    const { write } = await load();
    await write("a");
    await write("b");
    await until(() => expect(fake.pending.map((e) => e.status)).toEqual([EventStatus.QUEUED, EventStatus.QUEUED]));
    expect(kept().map((e) => e.content.body)).toEqual(["a", "b"]);
    expect(fake.bodies).toEqual([]);
    reconnect();
    await until(() => expect(fake.bodies).toEqual(["a", "b"]));
    await until(() => expect(kept()).toEqual([]));
  });

  test("sends after a reload under the same transaction id, so that what had arrived does not arrive twice", async () => {
    fake.loseAnswer = true;
    const { write } = await load();
    await write("a");
    await until(() => expect(fake.bodies).toEqual(["a"]));
    fake.up = false;
    await write("b");
    fake.up = true;
    fake.loseAnswer = false;
    await load();
    await until(() => expect(kept()).toEqual([]));
    expect(fake.bodies).toEqual(["a", "b"]);
    expect(fake.taken.filter((t) => t === "m1").length).toBeGreaterThan(1);
  });

  test("keeps what the server refuses, with its reason, and goes on with what follows; then it is sent again or given up", async () => {
    fake.refuse = new MatrixError({ errcode: "M_FORBIDDEN", error: "No card numbers here" }, 403);
    const { write, retry, discard } = await load();
    await write("a");
    await until(() => expect(kept()[0]?.error).toEqual({ code: "M_FORBIDDEN", message: "No card numbers here" }));
    fake.refuse = null;
    await write("b");
    await until(() => expect(fake.bodies).toEqual(["b"]));
    await retry("m1");
    await until(() => expect(fake.bodies).toEqual(["b", "a"]));

    fake.refuse = new MatrixError({ errcode: "M_TOO_LARGE", error: "Too large" }, 413);
    await write("c");
    await until(() => expect(kept()[0]?.error?.code).toBe("M_TOO_LARGE"));
    await discard("m3");
    expect(kept()).toEqual([]);
    expect(fake.pending.map((e) => e.getContent().body)).not.toContain("c");
  });

  test("takes a busy server and a missing one for away, and a refusal for final", async () => {
    const { isTransient } = await load();
    expect([429, 502, 503, 504].map((s) => isTransient(new MatrixError({}, s)))).toEqual([true, true, true, true]);
    expect([400, 401, 403, 413, 500].map((s) => isTransient(new MatrixError({}, s)))).toEqual([false, false, false, false, false]);
  });
});

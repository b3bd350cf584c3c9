import type { MatrixClient } from "matrix-js-sdk";
import { afterEach, expect, test, vi } from "vitest";
import { attaching, filesIn } from "./attach.ts";

afterEach(() => vi.restoreAllMocks());

test("files are found wherever a content names them, each once, and of this server only", () => {
  const content = { file: { url: "mxc://home.org/a" }, info: { thumbnail_file: { url: "mxc://home.org/b_-9" } }, "m.new_content": { file: { url: "mxc://home.org/a" } }, body: "mxc://other.org/c" };
  expect(filesIn(content, "home.org")).toEqual(["mxc://home.org/a", "mxc://home.org/b_-9"]);
  expect(filesIn(undefined, "home.org")).toEqual([]);
});

test("an encrypted event that is sent says which files it shows, and nothing else does", async () => {
  const asked: string[] = [];
  vi.spyOn(globalThis, "fetch").mockImplementation((input) => (asked.push(String(input)), Promise.resolve(new Response("{}"))));
  const event = { getContent: () => ({ file: { url: "mxc://home.org/a" }, info: { thumbnail_file: { url: "mxc://home.org/b" } } }) };
  const client = { getDomain: () => "home.org", getRoom: (id: string) => (id === "!r" ? { getEventForTxnId: (txn: string) => (txn === "m1.2" ? event : undefined) } : null) };
  const send = attaching(() => client as unknown as MatrixClient);
  const at = (path: string) => `https://home.org/_matrix/client/v3/rooms/${path}`;
  await send(at("%21r/send/m.room.encrypted/m1.2"), { method: "PUT" });
  await send(new URL(at("%21r/send/m.room.encrypted/other")), { method: "PUT" });
  await send(at("%21r/send/m.room.message/m1.2"), { method: "PUT" });
  await send(at("%21r/messages"), { method: "GET" });
  expect(new URL(asked[0] ?? "").searchParams.getAll("org.matrix.msc3911.attach_media")).toEqual(["mxc://home.org/a", "mxc://home.org/b"]);
  expect(asked.slice(1).join()).not.toContain("attach_media");
});

// @vitest-environment node
import { beforeEach, describe, expect, test } from "vitest";
import { databaseName } from "./sealed.ts";
import { deleteIndex, entry, ids, openIndex, secret } from "./testkit.ts";

beforeEach(deleteIndex);

type Raw = [store: string, name: IDBValidKey, value: { iv: Uint8Array<ArrayBuffer>; data: ArrayBuffer }];

async function database(): Promise<IDBDatabase> {
  return new Promise((done) => {
    const request = indexedDB.open(databaseName);
    request.onsuccess = () => done(request.result);
  });
}

/** All that is on disk, as it is. */
async function raw(): Promise<Raw[]> {
  const db = await database();
  const all: Raw[] = [];
  for (const store of Array.from(db.objectStoreNames)) {
    await new Promise<void>((done) => {
      db.transaction(store).objectStore(store).openCursor().onsuccess = (e) => {
        const cursor = (e.target as IDBRequest<IDBCursorWithValue | null>).result;
        if (cursor === null) return done();
        all.push([store, cursor.key, cursor.value as Raw[2]]);
        cursor.continue();
      };
    });
  }
  db.close();
  return all;
}

async function overwrite(name: IDBValidKey, value: Raw[2]): Promise<void> {
  const db = await database();
  await new Promise<void>((done) => {
    const tx = db.transaction("chunks", "readwrite");
    tx.objectStore("chunks").put(value, name);
    tx.oncomplete = () => done();
  });
  db.close();
}

async function filled(): Promise<void> {
  const { index, chunks } = await openIndex();
  await index.apply("!quarry:x", { end: "live", begin: true, newest: "$stone", add: [entry("$stone", 1, "Perlmutter und Schiefer", { sender: "@gustav:x" })] });
  await index.apply("!other:x", { end: "live", add: [entry("$leaf", 2, "Perlmutter")] });
  await index.flush();
  chunks.close();
}

describe("on disk", () => {
  test("nothing can be read: neither messages nor words, names, ids or rooms", async () => {
    await filled();
    const all = await raw();
    expect(all.length).toBeGreaterThan(5);
    const text = all
      .map(([store, name, { iv, data }]) => [store, String(name), ...[iv, new Uint8Array(data)].map((b) => Buffer.from(b).toString("latin1") + Buffer.from(b).toString("utf16le"))].join("\n"))
      .join("\n");
    for (const word of ["Perlmutter", "perlmutter", "Schiefer", "gustav", "stone", "quarry"]) expect(text).not.toContain(word);
    // Each has a nonce of its own.
    const nonces = all.map(([, , v]) => Buffer.from(v.iv).toString("hex"));
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  test.each(["s:", "m:", "r:"])("a chunk %s that was changed is dropped, and its room is read again", async (kind) => {
    await filled();
    const before = await openIndex();
    expect(await before.index.nextJob()).toBeNull();
    before.chunks.close();
    const [, name, value] = (await raw()).find(([, n]) => String(n).startsWith(kind)) as Raw;
    const data = new Uint8Array(value.data.slice(0));
    data[data.length - 1] = (data.at(-1) as number) ^ 1;
    await overwrite(name, { ...value, data: data.buffer });
    const { index } = await openIndex();
    expect(await ids(index, "perlmutter")).toEqual(["$leaf"]);
    if (kind === "r:") expect(await index.state("!quarry:x")).toMatchObject({ begun: false, newest: null });
    else expect(await index.nextJob()).toMatchObject({ roomId: "!quarry:x", job: { from: null, until: null } });
    await index.apply("!quarry:x", { end: "history", add: [entry("$stone", 1, "Perlmutter")] });
    await index.flush();
    expect(await ids((await openIndex()).index, "perlmutter")).toEqual(["$leaf", "$stone"]);
  });

  test("a chunk in another's place does not open", async () => {
    await filled();
    const [first, second] = (await raw()).filter(([, n]) => String(n).startsWith("s:")) as [Raw, Raw];
    await overwrite(second[1], first[2]);
    const { index } = await openIndex();
    expect(await ids(index, "perlmutter")).toEqual(["$stone"]);
  });
});

describe("the key", () => {
  test("of another account or another secret opens nothing, and the index begins anew", async () => {
    await filled();
    expect(await ids((await openIndex("@eve:x")).index, "perlmutter")).toEqual([]);
    await deleteIndex();
    await filled();
    const before = (await raw()).map(([, , v]) => Buffer.from(v.data).toString("hex"));
    const { index } = await openIndex("@anna:x", [2]);
    expect(await ids(index, "perlmutter")).toEqual([]);
    const after = new Set((await raw()).map(([, , v]) => Buffer.from(v.data).toString("hex")));
    expect(before.some((d) => after.has(d))).toBe(false);
  });

  test("moves from the device's secret to the account's", async () => {
    await filled();
    expect(await ids((await openIndex("@anna:x", [2, 1])).index, "perlmutter")).toEqual(["$leaf", "$stone"]);
    expect(await ids((await openIndex("@anna:x", [2])).index, "perlmutter")).toEqual(["$leaf", "$stone"]);
    const { chunks } = await openIndex("@anna:x", [2]);
    await chunks.wrap(await secret(3));
    expect(await ids((await openIndex("@anna:x", [3])).index, "perlmutter")).toEqual(["$leaf", "$stone"]);
  });
});

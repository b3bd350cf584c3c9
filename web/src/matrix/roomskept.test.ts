import { beforeEach, expect, test } from "vitest";
import { state } from "./client.ts";
import { sealedStore } from "./outboxStore.ts";
import type { RoomRow } from "./rooms.ts";
import { keepList, type KeptList, keptList, keptRow, loadKeptList } from "./roomskept.ts";
import { keepSession } from "./session.ts";

let key: CryptoKey;
const place = () => sealedStore<KeptList>("rooms", () => Promise.resolve(key));
const row = (id: string) => ({ id, name: `Room ${id}`, preview: { text: "the plan is secret" } }) as RoomRow;
const list = (count: number) => ({ me: { name: "Anna", avatar: null }, rows: Array.from({ length: count }, (_, i) => row(`!${i}:x`)), spaces: [] });

beforeEach(async () => {
  localStorage.clear();
  keepSession({ userId: "@anna:x", deviceId: "D", accessToken: "t" });
  key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  state.setState({ phase: "starting", caughtUp: false });
});

test("the list of the last start is there until the server has said what is new", async () => {
  await keepList(list(500), place());
  expect(await loadKeptList(place())).toBe(true);
  expect(keptList()?.rows).toEqual(list(500).rows);
  state.setState({ phase: "ready" });
  expect(keptRow("!7:x")?.name).toBe("Room !7:x");
  expect(keptRow("!none:x")).toBeUndefined();
  state.setState({ caughtUp: true });
  expect(keptList()).toBeNull();
  state.setState({ caughtUp: false });
  expect(keptList()).toBeNull();
});

test.each(["locked", "signed-out", "removed", "elsewhere", "lost", "again"] as const)("nothing is shown when the app is %s", async (phase) => {
  await keepList(list(1), place());
  await loadKeptList(place());
  state.setState({ phase });
  expect(keptList()).toBeNull();
});

test("nobody reads it in the storage, nor after the key is gone or in another account", async () => {
  await keepList(list(3), place());
  const stored = Object.entries(localStorage).filter(([name]) => name.includes("rooms"));
  expect(stored).toHaveLength(1);
  const bytes = atob(String(stored[0]?.[1]));
  for (const word of ["secret", "Room", "Anna"]) expect(bytes).not.toContain(word);
  keepSession({ userId: "@eve:x", deviceId: "D", accessToken: "t" });
  expect(await loadKeptList(place())).toBe(false);
  keepSession({ userId: "@anna:x", deviceId: "D", accessToken: "t" });
  key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  expect(await loadKeptList(place())).toBe(false);
  expect(keptList()).toBeNull();
});

test("an empty list stands for none, and of very many rooms the first are kept", async () => {
  await keepList(list(0), place());
  expect(await loadKeptList(place())).toBe(false);
  await keepList(list(3000), place());
  expect(await loadKeptList(place())).toBe(true);
  expect(keptList()?.rows).toHaveLength(1000);
});

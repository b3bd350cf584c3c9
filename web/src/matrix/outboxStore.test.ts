import { beforeEach, expect, test } from "vitest";
import { sealedStore } from "./outboxStore.ts";
import { forgetSession, keepSession } from "./session.ts";

let key: CryptoKey;
const getKey = () => Promise.resolve(key);

beforeEach(async () => {
  localStorage.clear();
  keepSession({ userId: "@anna:x", deviceId: "D", accessToken: "t" });
  key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
});

test("what is sealed comes back, and cannot be read in the storage", async () => {
  const store = sealedStore<{ text: string }>("drafts", getKey);
  void store.save({ text: "first" });
  await store.save({ text: "a secret plan: läuft" });
  expect(await sealedStore<{ text: string }>("drafts", getKey).load()).toEqual({ text: "a secret plan: läuft" });
  const kept = atob(localStorage.getItem("conclave.sealed.drafts") ?? "");
  expect(kept.length).toBeGreaterThan(30);
  expect(kept).not.toContain("secret");
});

test("another account, another purpose and another key open nothing", async () => {
  await sealedStore("drafts", getKey).save({ text: "x" });
  localStorage.setItem("conclave.sealed.outbox", localStorage.getItem("conclave.sealed.drafts") ?? "");
  expect(await sealedStore("outbox", getKey).load()).toBeNull();
  keepSession({ userId: "@eve:x", deviceId: "D", accessToken: "t" });
  expect(await sealedStore("drafts", getKey).load()).toBeNull();
  keepSession({ userId: "@anna:x", deviceId: "D", accessToken: "t" });
  key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  expect(await sealedStore("drafts", getKey).load()).toBeNull();
});

test("nothing is kept once somebody signed out", async () => {
  const saved = sealedStore("drafts", getKey).save({ text: "x" });
  forgetSession();
  await saved;
  expect(localStorage.length).toBe(0);
});

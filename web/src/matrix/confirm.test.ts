import { afterEach, expect, test, vi } from "vitest";
import { confirmed, WrongPassword } from "./confirm.ts";
import { keepSession } from "./session.ts";

const answer = (status: number, body: object) => new Response(JSON.stringify(body), { status });
const challenge = { session: "s1", flows: [{ stages: ["m.login.password"] }], params: {} };

afterEach(() => vi.unstubAllGlobals());

test("the act is repeated with the password and the server's session", async () => {
  keepSession({ userId: "@a:x", deviceId: "D", accessToken: "t" });
  const fetch = vi.fn().mockResolvedValueOnce(answer(401, challenge)).mockResolvedValueOnce(answer(200, { done: 1 }));
  vi.stubGlobal("fetch", fetch);
  expect(await confirmed("/p", "POST", { a: 1 }, "secret")).toEqual({ done: 1 });
  expect(JSON.parse(String(fetch.mock.calls[1]?.[1]?.body))).toEqual({
    a: 1,
    auth: { type: "m.login.password", identifier: { type: "m.id.user", user: "@a:x" }, password: "secret", session: "s1" },
  });
});

test("a wrong password is told from other errors", async () => {
  vi.stubGlobal("fetch", vi.fn().mockResolvedValueOnce(answer(401, challenge)).mockResolvedValueOnce(answer(401, { ...challenge, errcode: "M_FORBIDDEN" })));
  await expect(confirmed("/p", "POST", {}, "x")).rejects.toBeInstanceOf(WrongPassword);
  vi.stubGlobal("fetch", vi.fn().mockResolvedValueOnce(answer(400, { errcode: "M_WEAK_PASSWORD" })));
  await expect(confirmed("/p", "POST", {}, "x")).rejects.toMatchObject({ code: "M_WEAK_PASSWORD" });
});

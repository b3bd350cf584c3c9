import { afterEach, expect, test, vi } from "vitest";

vi.mock("./router.tsx", () => ({ router: {} }));
vi.mock("@/matrix/client.ts", () => ({ state: {} }));
vi.mock("@/matrix/session.ts", () => ({ keptSession: () => null }));
vi.mock("@/matrix/webpush.ts", () => ({}));
const { followFiles } = await import("./worker.ts");

afterEach(() => vi.unstubAllGlobals());

test("the worker is told of each file of the app once, also of those that are loaded later", () => {
  let report: (names: string[]) => void = () => undefined;
  vi.stubGlobal(
    "PerformanceObserver",
    class {
      constructor(heard: (list: { getEntries: () => { name: string }[] }) => void) {
        report = (names) => heard({ getEntries: () => names.map((name) => ({ name })) });
      }
      observe() {}
    },
  );
  const told: string[][] = [];
  followFiles((paths) => told.push(paths));
  report([`${location.origin}/assets/a.js`, `${location.origin}/_matrix/client/versions`, "https://elsewhere.example/assets/x.js"]);
  report([`${location.origin}/assets/a.js`]);
  report([`${location.origin}/assets/a.js`, `${location.origin}/assets/b.js?v=1`]);
  expect(told).toEqual([["/assets/a.js"], ["/assets/b.js"]]);
});

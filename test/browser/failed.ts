import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Names the tests that failed, with their first line, as the very last thing: a log is often read from its end. */
export default class Failed implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const failed = modules.flatMap((m) => [...m.children.allTests("failed")].map((t) => line(m, t)));
    if (failed.length > 0) setTimeout(() => console.log(["Failed:", ...failed].join("\n  ")));
  }
}

const line = (m: TestModule, t: TestCase) => `${m.relativeModuleId}: ${t.name}: ${(t.result().errors?.[0]?.message ?? "").split("\n")[0]}`;

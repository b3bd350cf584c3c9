import type { Reporter, TestCase, TestModule } from "vitest/node";

/**
 * Names, as the very last thing, the tests that failed and those that passed only when they were run again: a log is often read from its end, and a test
 * that fails now and then hides a fault.
 */
export default class Failed implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const all = modules.flatMap((m) => [...m.children.allTests()].map((t) => ({ m, t })));
    const lists = [
      ["Failed:", ...all.filter(({ t }) => t.result().state === "failed").map(line)],
      ["Passed only when run again, which is a fault to find:", ...all.filter(({ t }) => t.diagnostic()?.flaky).map(line)],
    ];
    const text = lists.filter((l) => l.length > 1).map((l) => l.join("\n  "));
    if (text.length > 0) setTimeout(() => console.log(text.join("\n")));
  }
}

const line = ({ m, t }: { m: TestModule; t: TestCase }) => `${m.relativeModuleId}: ${t.name}: ${(t.result().errors?.[0]?.message ?? "").split("\n")[0]}`;

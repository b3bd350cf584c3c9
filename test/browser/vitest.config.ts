import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["*.test.ts"],
    environment: "node",
    reporters: ["default", "./failed.ts"],
    // Each file has a server of its own; a machine with two cores carries two.
    maxWorkers: 2,
    expect: { poll: { timeout: 20_000 } },
    // Once more, and named at the end: what fails now and then must be found, but not by who changed something else.
    retry: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

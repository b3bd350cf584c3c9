import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["searchbench.ts"], environment: "node", testTimeout: 1_800_000, hookTimeout: 120_000, disableConsoleIntercept: true } });

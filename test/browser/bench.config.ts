import { defineConfig } from "vitest/config";

/** `make web-bench`: measures the app's speed; see docs/performance.md. */
export default defineConfig({ test: { include: ["bench.ts"], environment: "node", testTimeout: 900_000, hookTimeout: 900_000 } });

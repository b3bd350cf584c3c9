import { defineConfig } from "vitest/config";

/** `make screens`: takes the pictures of docs/screens anew. */
export default defineConfig({ test: { include: ["screens.ts"], environment: "node", testTimeout: 900_000, hookTimeout: 300_000 } });

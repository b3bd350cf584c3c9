import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { brotli } from "./build/brotli.ts";
import { emoji } from "./build/emoji.ts";
import { first } from "./build/first.ts";
import { licences } from "./build/licences.ts";
import { lean } from "./build/lean.ts";
import { pdf } from "./build/pdf.ts";
import { prune } from "./build/prune.ts";
import { sizeLimit } from "./build/size.ts";

// Their modules do nothing by being loaded: what is not called (widgets, old calls, OAuth) is left out.
const treeshake = { moduleSideEffects: [{ test: /node_modules\/(matrix-js-sdk|matrix-widget-api|matrix-events-sdk)\//, sideEffects: false }] };

const parts = () => [lean(), react(), emoji(), licences()];

export default defineConfig({
  plugins: [...parts(), first(parts), pdf(), prune(), sizeLimit(), brotli()],
  resolve: {
    alias: [
      { find: "@", replacement: fileURLToPath(new URL("./src", import.meta.url)) },
      { find: /^unhomoglyph$/, replacement: fileURLToPath(new URL("./src/matrix/lookalikes.ts", import.meta.url)) },
    ],
  },
  // The server puts a fresh nonce in its place each time it sends the page.
  html: { cspNonce: "__CSP_NONCE__" },
  json: { namedExports: false, stringify: true },
  worker: { format: "es", rolldownOptions: { treeshake } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // data: addresses are not in the Content-Security-Policy
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      treeshake,
      input: { index: "index.html", sw: "src/sw/sw.ts" },
      output: {
        // A service worker keeps its address.
        entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
        codeSplitting: {
          groups: [
            ...["en", "de"].flatMap((language) => [
              { name: `lang-${language}`, test: new RegExp(`/src/(app|rooms|ui)/${language}\\.json$`) },
              { name: `room-${language}`, test: new RegExp(`/src/(timeline|composer|company|files|threads)/${language}\\.json$`) },
            ]),
          ],
        },
      },
    },
  },
  test: {
    environment: "jsdom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/app/test-setup.ts"],
    css: false,
    // A machine that is busy with other things is slow, not wrong.
    testTimeout: 60_000,
    pool: "threads",
    maxWorkers: 2,
  },
});

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Plugin } from "vite";

/*
 * What pdf.js loads when a document needs it: tables of characters for East Asian text, the fonts of symbols that no system has, decoders of
 * pictures. LiberationSans stays out (its licence is the SIL's), the system's own fonts take its place; so does the colour profile.
 */
const parts: Record<string, RegExp> = { cmaps: /\.bcmap$/, standard_fonts: /^Foxit.*\.pfb$/, wasm: /\.wasm$/ };

/** Puts them beside the app's files, under an address that changes with the version. */
export function pdf(): Plugin {
  const from = path.resolve(import.meta.dirname, "../node_modules/pdfjs-dist");
  return {
    name: "conclave-pdf",
    apply: "build",
    generateBundle() {
      const { version } = JSON.parse(readFileSync(path.join(from, "package.json"), "utf8")) as { version: string };
      for (const [dir, wanted] of Object.entries(parts)) {
        for (const name of readdirSync(path.join(from, dir)).filter((n) => wanted.test(n))) {
          this.emitFile({ type: "asset", fileName: `assets/pdfjs-${version}/${dir}/${name}`, source: readFileSync(path.join(from, dir, name)) });
        }
      }
    },
  };
}

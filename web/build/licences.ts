import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Plugin } from "vite";

interface Locked {
  version?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
}

/** Gives the module `virtual:licences`: the packages that the app is made of, each with its licence as its authors wrote it. */
export function licences(): Plugin {
  const id = "virtual:licences";
  const root = path.resolve(import.meta.dirname, "..");
  // Parts of pdf.js that others made, as far as build/pdf.ts ships them.
  const within = ["cmaps/LICENSE", "standard_fonts/LICENSE_FOXIT", ...["JBIG2", "OPENJPEG", "QCMS", "PDFJS_JBIG2", "PDFJS_OPENJPEG", "PDFJS_QCMS"].map((n) => `wasm/LICENSE_${n}`)];
  const text = (dir: string): string => {
    const name = existsSync(dir) ? readdirSync(dir).find((f) => /^(licen[cs]e|copying)(\.|$|-)/i.test(f)) : undefined;
    const more = path.basename(dir) === "pdfjs-dist" ? within : [];
    return [...(name === undefined ? [] : [name]), ...more].map((f) => readFileSync(path.join(dir, f), "utf8")).join("\n\n");
  };
  return {
    name: "licences",
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load(source) {
      if (source !== `\0${id}`) return null;
      const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as { packages: Record<string, Locked> };
      const list = Object.entries(lock.packages)
        .filter(([at, p]) => at !== "" && !p.dev && !p.optional)
        .map(([at, p]) => ({ name: at.slice(at.lastIndexOf("node_modules/") + 13), version: p.version ?? "", licence: p.license ?? "", text: text(path.join(root, at)) }))
        .sort((a, b) => a.name.localeCompare(b.name, "en"));
      return `export const licences = ${JSON.stringify(list)};`;
    },
  };
}

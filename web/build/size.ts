import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** What a browser may have to load before the list of chats is there, without the encryption (which loads beside it): bytes of gzip. */
const limit = 350 * 1024;

/** Fails the build when the first load outgrows its limit, and says what is in it. */
export function sizeLimit(): Plugin {
  return {
    name: "conclave-size",
    apply: "build",
    enforce: "post",
    generateBundle(_options, bundle) {
      const first = new Map<string, number>();
      const add = (name: string) => {
        const file = bundle[name];
        if (file === undefined || first.has(name)) return;
        first.set(name, gzipSync(file.type === "chunk" ? file.code : file.source).length);
        if (file.type !== "chunk") return;
        file.imports.forEach(add);
        file.viteMetadata?.importedCss.forEach(add);
      };
      for (const [name, file] of Object.entries(bundle)) {
        if (file.type === "chunk" && (file.isEntry || file.name === "lang-de")) add(name);
      }
      const total = [...first.values()].reduce((a, b) => a + b, 0);
      const parts = [...first].map(([name, bytes]) => `  ${name} ${bytes}`).join("\n");
      if (total > limit && !process.env.CONCLAVE_WEB_QUICK) this.error(`the first load is ${total} bytes of gzip, ${limit} are the limit:\n${parts}`);
      this.info(`the first load is ${total} bytes of gzip, ${limit} are the limit`);
    },
  };
}

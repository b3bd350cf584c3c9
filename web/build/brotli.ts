import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";
import type { Plugin } from "vite";

const compressible = /\.(js|mjs|css|html|json|svg|wasm|webmanifest)$/;
const compress = promisify(brotliCompress);

/** Compresses as well as brotli can. The largest file, the encryption, takes most of a minute and seldom changes: results are kept. */
async function compressed(bytes: Buffer, cache: string): Promise<Buffer> {
  const kept = path.join(cache, createHash("sha256").update(bytes).digest("hex") + (process.env.CONCLAVE_WEB_QUICK ? "-quick" : ""));
  try {
    return await readFile(kept);
  } catch {
    const quality = process.env.CONCLAVE_WEB_QUICK ? 4 : 11; // quick is for trying things out
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    };
    const result = await compress(bytes, { params });
    await mkdir(cache, { recursive: true });
    await writeFile(kept, result);
    return result;
  }
}

/**
 * The server embeds each compressible file as brotli alone, so that it is in the binary once: it sends it as it is to browsers
 * that take brotli, which is all of them over HTTPS, and decompresses it for others.
 */
export function brotli(): Plugin {
  let root = "";
  let out = "";
  return {
    name: "conclave-brotli",
    apply: "build",
    configResolved(config) {
      root = config.root;
      out = path.resolve(root, config.build.outDir);
    },
    async closeBundle() {
      const entries = await readdir(out, { recursive: true, withFileTypes: true });
      const files = entries.filter((e) => e.isFile() && compressible.test(e.name)).map((e) => path.join(e.parentPath, e.name));
      await Promise.all(
        files.map(async (file) => {
          await writeFile(`${file}.br`, await compressed(await readFile(file), path.join(root, "node_modules/.cache/brotli")));
          await rm(file);
        }),
      );
    },
  };
}

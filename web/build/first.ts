import path from "node:path";
import { build, type Plugin, type PluginOption, type UserConfig } from "vite";

type Output = Extract<Awaited<ReturnType<typeof build>>, { output: unknown }>["output"];

/** The modules of the page's own script and of all that it imports statically: what a browser needs before it can show anything. */
function modulesOf(output: Output): Set<string> {
  const chunks = new Map(output.flatMap((o) => (o.type === "chunk" ? [[o.fileName, o] as const] : [])));
  const seen = new Set<string>();
  const modules = new Set<string>();
  const add = (name: string) => {
    const chunk = chunks.get(name);
    if (chunk === undefined || seen.has(name)) return;
    seen.add(name);
    for (const id of chunk.moduleIds) modules.add(id);
    chunk.imports.forEach(add);
  };
  for (const chunk of chunks.values()) if (chunk.isEntry) add(chunk.fileName);
  return modules;
}

/** Nothing of what the workers do is in the page's own script. */
const noWorkers: Plugin = {
  name: "conclave-no-workers",
  enforce: "pre",
  transform: (code) => (/new Worker\(/.test(code) ? code.replaceAll(/new URL\([^()]*, import\.meta\.url\)/g, '""') : null),
};

/**
 * Puts what the first view needs into one file, where the bundler would make one for each set of pages that share something: sixty
 * requests, and more bytes, because each is compressed by itself. Which modules those are is known only once everything unused is left
 * out; so the app is bundled twice, the first time quickly and for this question alone.
 */
export function first(parts: () => PluginOption[]): Plugin {
  return {
    name: "conclave-first",
    apply: "build",
    async config(config: UserConfig) {
      const root = path.resolve(import.meta.dirname, "..");
      const result = await build({
        configFile: false,
        root,
        logLevel: "error",
        plugins: [noWorkers, ...parts()],
        resolve: config.resolve,
        json: config.json,
        build: {
          ...config.build,
          write: false,
          minify: false,
          cssMinify: false,
          reportCompressedSize: false,
          rolldownOptions: { treeshake: config.build?.rolldownOptions?.treeshake, input: "index.html" },
        },
      });
      if (!("output" in result)) throw new Error("the app was not bundled");
      const modules = modulesOf(result.output);
      const groups = [{ name: "app", test: (id: string) => modules.has(id) && !id.endsWith("/src/main.tsx") }];
      return { build: { rolldownOptions: { output: { codeSplitting: { groups } } } } };
    },
  };
}

import postcss from "postcss";
import type { Plugin } from "vite";

/*
 * Mantine's stylesheet has the rules of all its components. Their class names (.m_ and eight digits) stand in the scripts of the components that
 * are used; a selector with one that stands in no script can never match, and goes.
 */
const names = /\bm_[0-9a-f]{6,}\b/g;

export function prune(): Plugin {
  return {
    name: "conclave-prune",
    apply: "build",
    generateBundle(_options, bundle) {
      const used = new Set<string>();
      for (const file of Object.values(bundle)) {
        if (file.type === "chunk") for (const [name] of file.code.matchAll(names)) used.add(name);
      }
      for (const file of Object.values(bundle)) {
        if (file.type !== "asset" || !file.fileName.endsWith(".css")) continue;
        const sheet = postcss.parse(String(file.source));
        sheet.walkRules((rule) => {
          const kept = rule.selectors.filter((s) => [...s.matchAll(names)].every(([name]) => used.has(name)));
          if (kept.length === 0) rule.remove();
          else if (kept.length < rule.selectors.length) rule.selectors = kept;
        });
        sheet.walkAtRules((rule) => {
          if (rule.nodes?.length === 0) rule.remove();
        });
        file.source = sheet.toString();
      }
    },
  };
}

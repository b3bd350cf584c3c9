import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Plugin } from "vite";

const require = createRequire(import.meta.url);
const prefix = "virtual:emoji/";

interface Source {
  emoji: string;
  hexcode: string;
  label: string;
  group?: number;
  order?: number;
  subgroup?: number;
  version: number;
  tags?: string[];
  skins?: { emoji: string; tone: number | number[] }[];
}

interface Messages {
  groups: { key: string; message: string; order: number }[];
  subgroups: { key: string; order: number }[];
  skinTones: { key: string; message: string }[];
}

type Codes = Record<string, string | string[] | undefined>;

async function read<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(require.resolve(`emojibase-data/${file}`), "utf8")) as T;
}

/** All that the app needs of the emoji data in one language, about a third of the size of what the package has. */
async function data(language: string): Promise<object> {
  const [emoji, messages, own, usual] = await Promise.all([
    read<Source[]>(`${language}/data.json`),
    read<Messages>(`${language}/messages.json`),
    read<Codes>(`${language}/shortcodes/cldr.json`),
    read<Codes>("en/shortcodes/emojibase.json"),
  ]);
  const flags = new Set(messages.subgroups.filter((s) => /^(country|subdivision)-flag$/.test(s.key)).map((s) => s.order));
  const codes = (hex: string) => [...new Set([usual[hex] ?? [], own[hex] ?? []].flat())];
  const listed = emoji.filter((e) => e.group !== undefined).sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
  return {
    groups: messages.groups.filter((g) => g.key !== "component").map((g) => [g.order, g.message]),
    tones: messages.skinTones.map((s) => [s.key, s.message]),
    emoji: listed.map((e) => {
      const skins = (e.skins ?? []).filter((s) => typeof s.tone === "number").map((s) => s.emoji);
      return [e.emoji, e.label, e.group, e.version, codes(e.hexcode), e.tags ?? [], flags.has(e.subgroup ?? -1) ? 1 : 0, skins];
    }),
  };
}

/** Builds the emoji data into the app, so that nothing is fetched from elsewhere: `virtual:emoji/en`, `virtual:emoji/de`. */
export function emoji(): Plugin {
  return {
    name: "conclave-emoji",
    resolveId: (id) => (id.startsWith(prefix) ? `\0${id}` : undefined),
    async load(id) {
      if (!id.startsWith(`\0${prefix}`)) return undefined;
      const text = JSON.stringify(await data(id.slice(prefix.length + 1)));
      return `export default JSON.parse(${JSON.stringify(text)});`;
    },
  };
}

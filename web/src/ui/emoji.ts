import type { EmojiData } from "frimousse";
import { useEffect, useState } from "react";

/** One emoji as the completion of `:name:` offers it. */
export interface EmojiEntry {
  emoji: string;
  label: string;
  /** Short codes without colons, the usual one first. */
  codes: string[];
  tags: string[];
}

export interface EmojiSet {
  entries: EmojiEntry[];
  picker: EmojiData;
}

type Raw = (typeof import("virtual:emoji/en"))["default"];

const loaders: Record<string, () => Promise<{ default: Raw }>> = {
  en: () => import("virtual:emoji/en"),
  de: () => import("virtual:emoji/de"),
};
const loaded = new Map<string, Promise<EmojiSet>>();

const big = (s: string): string => s.charAt(0).toLocaleUpperCase() + s.slice(1);

/**
 * Whether the fonts of this system draw an emoji as one picture: what they do not know is drawn in the colour of text,
 * or as the parts of which it is joined.
 */
function drawable(): (emoji: string) => boolean {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (context === null) return () => true;
  context.canvas.width = context.canvas.height = 24;
  context.font = "16px 'Apple Color Emoji', 'Segoe UI Emoji', 'Noto Color Emoji', sans-serif";
  context.textBaseline = "top";
  const widest = context.measureText("😀").width * 1.5;
  const draw = (emoji: string, colour: string) => {
    context.clearRect(0, 0, 24, 24);
    context.fillStyle = colour;
    context.fillText(emoji, 0, 0);
    return context.getImageData(0, 0, 24, 24).data.join();
  };
  return (emoji) => context.measureText(emoji).width <= widest && draw(emoji, "#f00") === draw(emoji, "#00f");
}

/** The rows that this system can show. One emoji of each version stands for all of it; a system without any emoji font keeps all. */
export function shown(rows: Raw["emoji"], draws: (emoji: string) => boolean): Raw["emoji"] {
  const versions = new Map<number, boolean>();
  for (const [emoji, , , version, , , flag] of rows) if (!flag && !versions.has(version)) versions.set(version, draws(emoji));
  if (![...versions.values()].includes(true)) return rows;
  const flags = draws("🇪🇺");
  return rows.filter(([, , , version, , , flag]) => versions.get(version) !== false && (!flag || flags));
}

function prepare(language: string, raw: Raw): EmojiSet {
  const rows = shown(raw.emoji, drawable());
  return {
    entries: rows.map(([emoji, label, , , codes, tags]) => ({ emoji, label, codes, tags })),
    picker: {
      locale: language,
      categories: raw.groups.map(([index, label]) => ({ index, label: big(label) })),
      skinTones: Object.fromEntries(raw.tones.map(([key, label]) => [key, big(label)])) as EmojiData["skinTones"],
      emojis: rows.map(([emoji, label, category, version, codes, tags, , skins]) => {
        const [light, mediumLight, medium, mediumDark, dark] = skins;
        const all = light && mediumLight && medium && mediumDark && dark;
        return {
          emoji, category, version, label: big(label), tags: [...tags, ...codes],
          ...(all ? { skins: { light, "medium-light": mediumLight, medium, "medium-dark": mediumDark, dark } } : {}),
        };
      }),
    },
  };
}

/** The emoji with their names in a language of the app; loaded once, from the app's own files. */
export function loadEmoji(language: string): Promise<EmojiSet> {
  const known = language in loaders ? language : "en";
  let set = loaded.get(known);
  if (!set) {
    set = (loaders[known] as () => Promise<{ default: Raw }>)().then((m) => prepare(known, m.default));
    set.catch(() => loaded.delete(known));
    loaded.set(known, set);
  }
  return set;
}

/** The emoji for a completion, empty until they are loaded; loading starts when `wanted`. */
export function useEmoji(language: string, wanted: boolean): EmojiEntry[] {
  const [entries, setEntries] = useState<EmojiEntry[]>([]);
  useEffect(() => {
    if (!wanted) return undefined;
    let gone = false;
    loadEmoji(language).then((s) => !gone && setEntries(s.entries), () => undefined);
    return () => {
      gone = true;
    };
  }, [language, wanted]);
  return entries;
}

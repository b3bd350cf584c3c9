import { Avatar as MantineAvatar } from "@mantine/core";
import { useThumbnail } from "@/matrix/media.ts";

interface Props {
  /** What the colour and the initials come from: a user's or a room's id and name. */
  id: string;
  name: string;
  mxc: string | null;
  size?: number;
}

// White letters are legible on each of them (WCAG AA), in the light and in the dark.
const colors = ["#1f6f68", "#3b5bdb", "#9c36b5", "#a8480a", "#0b6e50", "#0b6779", "#c2255c", "#4a730b", "#6741d9", "#1864ab"];

/** The picture of a person or a room, or initials on a colour that stays the same for the same id. It says nothing to screen readers: the name stands beside it. */
export function Avatar({ id, name, mxc, size = 36 }: Props) {
  const src = useThumbnail(mxc, size * 2);
  let hash = 0;
  for (const c of id) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return (
    <MantineAvatar src={src} size={size} radius={999} styles={{ placeholder: { background: colors[hash % colors.length], color: "#fff" } }} alt="" aria-hidden>
      {initials(name)}
    </MantineAvatar>
  );
}

/** At most two letters of a name. */
export function initials(name: string): string {
  const words = name.replace(/^[@#!+]/, "").split(/[\s._:-]+/u).filter((w) => w !== "");
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((w) => [...(w ?? "")][0] ?? "").join("").toLocaleUpperCase();
}

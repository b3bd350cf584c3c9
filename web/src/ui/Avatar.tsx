import { Avatar as MantineAvatar } from "@mantine/core";
import { useThumbnail } from "@/matrix/media.ts";

interface Props {
  /** What the colour and the initials come from: a user's or a room's id and name. */
  id: string;
  name: string;
  mxc: string | null;
  size?: number;
}

const colors = ["petrol", "indigo", "grape", "orange", "teal", "cyan", "pink", "lime", "violet", "blue"];

/** The picture of a person or a room, or initials on a colour that stays the same for the same id. It says nothing to screen readers: the name stands beside it. */
export function Avatar({ id, name, mxc, size = 36 }: Props) {
  const src = useThumbnail(mxc, size * 2);
  let hash = 0;
  for (const c of id) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) >>> 0;
  return (
    <MantineAvatar src={src} size={size} radius="xl" color={colors[hash % colors.length] ?? "gray"} alt="" aria-hidden>
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

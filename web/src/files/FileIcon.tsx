import { Icon, type IconName } from "@/ui/Icon.tsx";
import classes from "./files.module.css";

const icons: readonly (readonly [RegExp, IconName])[] = [
  [/^image\//, "picture"],
  [/^video\//, "film"],
  [/^audio\//, "sound"],
];

/** A drawing for the kind of a file. */
export function FileIcon({ mime, size = 24 }: { mime: string; size?: number }) {
  return (
    <span className={classes.icon}>
      <Icon name={icons.find(([kind]) => kind.test(mime))?.[1] ?? "file"} size={size} />
    </span>
  );
}

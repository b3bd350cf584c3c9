import { VisuallyHidden } from "@mantine/core";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Keys.module.css";
import { keysOf, onMac, type ShortcutName } from "./shortcuts.ts";

const signs: Record<string, string> = { ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
const macSigns: Record<string, string> = { mod: "⌘", alt: "⌥", shift: "⇧", Enter: "↩" };

/** How a key is called in the user's language, or the letter on it. */
export function useKeyName(): (part: string) => string {
  const { t } = useTranslation("ui");
  return (part) => (part === "mod" && onMac() ? t("key.command") : part.length === 1 ? part.toUpperCase() : t(`key.${part}`));
}

/** One combination in words: `Ctrl+K`. */
export function useKeyWords(): (name: ShortcutName) => string {
  const keyName = useKeyName();
  return (name) => (keysOf(name)[0] ?? "").split(" ").map(keyName).join("+");
}

/** A combination of keys, as it stands on the keyboard. */
export function Keys({ combination }: { combination: string }) {
  const keyName = useKeyName();
  return (
    <span className={classes.keys}>
      {combination.split(" ").map((part, i) => {
        const sign = signs[part] ?? (onMac() ? macSigns[part] : undefined);
        return (
          <Fragment key={part}>
            {i > 0 && <span aria-hidden>+</span>}
            <kbd className={classes.key}>
              {sign === undefined ? (
                keyName(part)
              ) : (
                <>
                  <span aria-hidden>{sign}</span>
                  <VisuallyHidden>{keyName(part)}</VisuallyHidden>
                </>
              )}
            </kbd>
          </Fragment>
        );
      })}
    </span>
  );
}

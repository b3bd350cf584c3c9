import { EmojiPicker, type EmojiPickerListComponents, type SkinTone, useActiveEmoji } from "frimousse";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { loadEmoji } from "./emoji.ts";
import classes from "./EmojiPicker.module.css";

const toneKey = "conclave.skin-tone";
const tones: readonly SkinTone[] = ["none", "light", "medium-light", "medium", "medium-dark", "dark"];

const parts: EmojiPickerListComponents = {
  CategoryHeader: ({ category, ...props }) => (
    <div {...props} className={classes.category}>
      {category.label}
    </div>
  ),
  Row: (props) => <div {...props} className={classes.row} />,
  Emoji: ({ emoji, ...props }) => (
    <button type="button" {...props} className={classes.emoji} aria-label={emoji.label}>
      {emoji.emoji}
    </button>
  ),
};

/** Reads the data of the app; the picker would fetch them from another host otherwise. */
const resolve = async (locale: string) => (await loadEmoji(locale)).picker;

export function EmojiPickerPanel({ onPick }: { onPick: (emoji: string) => void }) {
  const { t, i18n } = useTranslation("ui");
  const [tone, setTone] = useState<SkinTone>(() => tones.find((s) => s === localStorage.getItem(toneKey)) ?? "none");
  return (
    <EmojiPicker.Root
      className={classes.picker}
      locale={i18n.language}
      resolveEmojiData={resolve}
      skinTone={tone}
      columns={8}
      onEmojiSelect={({ emoji }) => onPick(emoji)}
      data-testid="emoji-picker"
    >
      <div className={classes.head}>
        <EmojiPicker.Search className={classes.search} placeholder={t("emoji.search")} aria-label={t("emoji.search")} autoFocus />
        <EmojiPicker.SkinTone>
          {({ skinTone, setSkinTone, skinToneVariations }) => (
            <button
              type="button"
              className={classes.emoji}
              aria-label={t("emoji.tone", { tone: t(`emoji.tones.${skinTone}`) })}
              onClick={() => {
                const next = tones[(tones.indexOf(skinTone) + 1) % tones.length] ?? "none";
                localStorage.setItem(toneKey, next);
                setTone(next);
                setSkinTone(next);
              }}
            >
              {skinToneVariations.find((v) => v.skinTone === skinTone)?.emoji}
            </button>
          )}
        </EmojiPicker.SkinTone>
      </div>
      <EmojiPicker.Viewport className={classes.viewport}>
        <EmojiPicker.Loading className={classes.note}>{t("emoji.loading")}</EmojiPicker.Loading>
        <EmojiPicker.Empty className={classes.note}>{t("emoji.none")}</EmojiPicker.Empty>
        <EmojiPicker.List className={classes.list} components={parts} />
      </EmojiPicker.Viewport>
      <Active />
    </EmojiPicker.Root>
  );
}

function Active() {
  const emoji = useActiveEmoji();
  return (
    <div className={classes.active} aria-hidden>
      {emoji && (
        <>
          <span className={classes.sample}>{emoji.emoji}</span> {emoji.label}
        </>
      )}
    </div>
  );
}

import { ActionIcon, Textarea } from "@mantine/core";
import { lazy, Suspense, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { withTexts } from "@/app/language.ts";
import { pressed } from "@/keyboard/shortcuts.ts";
import type { OutboxEntry } from "@/matrix/outbox.ts";
import { pollOf } from "@/matrix/poll.ts";
import { usePreferences } from "@/matrix/preferences.ts";
import { lastOwnText, quoted } from "@/matrix/send.ts";
import { useTypingNotices } from "@/matrix/typing.ts";
import { EmojiPopover } from "@/ui/EmojiPicker.tsx";
import { AddMenu } from "./AddMenu.tsx";
import { Bars } from "./Bars.tsx";
import { CompletionList } from "./CompletionList.tsx";
import classes from "./Composer.module.css";
import { DropOverlay, useDrop } from "./drop.tsx";
import { type Format, type Marked, retype, signs, toggle } from "./format.ts";
import { Icon } from "@/ui/Icon.tsx";
import { clearIntent, startEdit, takeFocus, useIntent } from "./state.ts";
import { type Choice, useCompletion } from "./useCompletion.ts";
import { useSend } from "./useSend.ts";
import { useText } from "./useText.ts";

const AttachDialog = lazy(async () => ({ default: (await import("./AttachDialog.tsx")).AttachDialog }));
const PollDialog = lazy(async () => ({ default: (await import("./PollDialog.tsx")).PollDialog }));
const LocationDialog = lazy(async () => ({ default: (await import("./LocationDialog.tsx")).LocationDialog }));
const CaptionDialog = lazy(async () => ({ default: (await import("./CaptionDialog.tsx")).CaptionDialog }));
const HelpDialog = lazy(withTexts(["keyboard"], async () => ({ default: (await import("./HelpDialog.tsx")).HelpDialog })));
const VoiceRecorder = lazy(async () => ({ default: (await import("./VoiceRecorder.tsx")).VoiceRecorder }));

const formats = Object.keys(signs) as Format[];

interface Props {
  roomId: string;
  threadId: string | undefined;
  mayRoom: boolean;
  encrypted: boolean;
}

/** The writing field with everything around it. */
export function Field({ roomId, threadId, mayRoom, encrypted }: Props) {
  const { t } = useTranslation("composer");
  const place = { roomId, threadId };
  const intent = useIntent(place);
  const text = useText(place, intent);
  const field = useRef<HTMLTextAreaElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const listId = useId();
  const [caret, setCaret] = useState(0);
  const wanted = useRef<readonly [number, number] | null>(null);
  const [files, setFiles] = useState<File[]>([]);
  const [open, setOpen] = useState<"poll" | "help" | "voice" | "place" | null>(null);
  const [pollQuestion, setPollQuestion] = useState("");
  const [refused, setRefused] = useState<OutboxEntry | null>(null);
  const { sendWith } = usePreferences();
  const typing = useTypingNotices(roomId);
  const completion = useCompletion(roomId, text.text, caret, mayRoom);
  const { send, notice, setNotice } = useSend({
    place, intent, text, mayRoom,
    openPoll: (question) => (setPollQuestion(question), setOpen("poll")),
    openHelp: () => setOpen("help"),
  });
  const dropping = useDrop(box, threadId === undefined, setFiles);

  // Where the caret belongs after a change that was not typed.
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    field.current?.setSelectionRange(...wanted.current);
    setCaret(wanted.current[0]);
    wanted.current = null;
  }, [text.text]);
  useEffect(() => {
    if (threadId === undefined && takeFocus()) field.current?.focus();
  }, [threadId]);
  useEffect(() => {
    if (intent) field.current?.focus();
  }, [intent]);

  const change = (value: string, at: number) => {
    setCaret(at);
    setNotice(null);
    text.set({ text: value, mentions: text.mentions });
    typing.typed(value.trim() === "" || value.startsWith("/"));
  };
  const write = (next: Marked) => {
    wanted.current = [next.from, next.to];
    if (field.current === null || !retype(field.current, next.text)) text.set({ text: next.text, mentions: text.mentions });
  };
  const insert = (piece: string) => {
    const [from, to] = [field.current?.selectionStart ?? text.text.length, field.current?.selectionEnd ?? text.text.length];
    write({ text: text.text.slice(0, from) + piece + text.text.slice(to), from: from + piece.length, to: from + piece.length });
  };
  const pick = (choice: Choice) => {
    const done = completion.apply(choice, text);
    wanted.current = [done.caret, done.caret];
    text.set(done.draft);
  };
  const submit = () => {
    typing.stop();
    void send();
    field.current?.focus();
  };

  const keyDown = (e: React.KeyboardEvent<HTMLTextAreaElement>) => {
    // A key that ends or steers the input of, say, Japanese belongs to the input method. Safari says so by 229 alone.
    if (e.nativeEvent.isComposing || e.keyCode === 229) return;
    const current = completion.choices[completion.active];
    if (completion.kind !== null && current) {
      if (pressed(e, "walkChoices")) return e.preventDefault(), completion.move(e.key === "ArrowDown" ? 1 : -1);
      // A command that is written out is sent, not completed once more.
      const whole = completion.kind === "command" && current.insert.trim() === text.text.trim();
      if (pressed(e, "takeChoice") && !(whole && e.key === "Enter")) return e.preventDefault(), pick(current);
      if (pressed(e, "dropChoices")) return e.preventDefault(), e.stopPropagation(), completion.dismiss();
    }
    const format = formats.find((f) => pressed(e, f));
    if (format !== undefined) {
      e.preventDefault();
      const { selectionStart: from, selectionEnd: to } = e.currentTarget;
      write(toggle({ text: text.text, from, to }, format));
    } else if (pressed(e, "send", sendWith)) {
      e.preventDefault();
      submit();
    } else if (pressed(e, "cancel") && intent) {
      e.preventDefault();
      e.stopPropagation();
      clearIntent(place);
    } else if (pressed(e, "editLast") && text.text === "" && !intent) {
      const id = lastOwnText(place);
      if (id === null) return;
      e.preventDefault();
      startEdit(place, id);
    }
  };

  const empty = text.text.trim() === "";
  const placeholder = t(threadId ? "placeholder.thread" : encrypted ? "placeholder.encrypted" : "placeholder.plain");
  return (
    <div className={classes.composer} ref={box} data-composer>
      {dropping && <DropOverlay />}
      <Bars place={place} intent={intent} original={intent ? quoted(roomId, intent.eventId) : null} notice={notice} onNoticeClosed={() => setNotice(null)} onChange={setRefused} />
      {open === "voice" ? (
        <Suspense fallback={<div className={classes.row} />}>
          <VoiceRecorder place={place} intent={intent} onClose={() => setOpen(null)} />
        </Suspense>
      ) : (
        <form className={classes.row} onSubmit={(e) => (e.preventDefault(), submit())}>
          {completion.kind !== null && <CompletionList id={listId} completion={completion} onPick={pick} />}
          <AddMenu onFiles={setFiles} onPoll={() => (setPollQuestion(""), setOpen("poll"))} onHelp={() => setOpen("help")} onPlace={() => setOpen("place")} />
          <Textarea
            className={classes.field}
            classNames={{ input: classes.input }}
            ref={field}
            autosize
            minRows={1}
            maxRows={10}
            variant="unstyled"
            aria-label={t("message")}
            placeholder={placeholder}
            aria-autocomplete="list"
            aria-haspopup="listbox"
            aria-controls={completion.kind === null ? undefined : listId}
            aria-activedescendant={completion.kind === null ? undefined : `${listId}-${completion.active}`}
            value={text.text}
            onChange={(e) => change(e.currentTarget.value, e.currentTarget.selectionStart)}
            onSelect={(e) => setCaret(e.currentTarget.selectionStart)}
            onBlur={typing.stop}
            onKeyDown={keyDown}
            onPaste={(e) => {
              // A copied table comes as a picture too: text wins.
              const pasted = [...e.clipboardData.files];
              if (pasted.length === 0 || e.clipboardData.types.includes("text/plain")) return;
              e.preventDefault();
              setFiles(pasted);
            }}
          />
          <EmojiPopover
            onPick={insert}
            target={({ onClick }) => (
              <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("emoji")} onClick={onClick}>
                <Icon name="smile" size={20} />
              </ActionIcon>
            )}
          />
          {empty && intent?.kind !== "edit" && "MediaRecorder" in window ? (
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("voice.record")} onClick={() => setOpen("voice")}>
              <Icon name="microphone" size={20} />
            </ActionIcon>
          ) : (
            <ActionIcon type="submit" size="lg" aria-label={t("send")} disabled={empty}>
              <Icon name="send" size={20} />
            </ActionIcon>
          )}
        </form>
      )}
      <Suspense>
        {files.length > 0 && <AttachDialog place={place} intent={intent} files={files} onClose={() => (setFiles([]), field.current?.focus())} />}
        {open === "poll" && <PollDialog place={place} question={pollQuestion} onClose={() => setOpen(null)} />}
        {open === "place" && <LocationDialog place={place} onClose={() => setOpen(null)} />}
        {refused && (pollOf(refused) ? <PollDialog place={place} question="" refused={refused} onClose={() => setRefused(null)} /> : <CaptionDialog entry={refused} onClose={() => setRefused(null)} />)}
        {open === "help" && <HelpDialog onClose={() => setOpen(null)} />}
      </Suspense>
    </div>
  );
}

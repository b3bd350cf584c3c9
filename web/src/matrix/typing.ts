import { useCallback, useEffect, useRef } from "react";
import { client } from "./client.ts";
import { preferences } from "./preferences.ts";

/** How long the server shows somebody as typing unless told again, and how often it is told: milliseconds. */
const shown = 20_000;
const renewed = 10_000;
/** Who has not touched a key for so long does not type. */
const idle = 6_000;

export interface TypingNotices {
  /** Call for each change of the text. */
  typed: (empty: boolean) => void;
  stop: () => void;
}

/** Decides when to tell the server that somebody types; `tell` does it. */
export function typingNotices(tell: (typing: boolean) => void, now: () => number = Date.now): TypingNotices {
  let told = -Infinity;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    clearTimeout(timer);
    if (told === -Infinity) return;
    told = -Infinity;
    tell(false);
  };
  return {
    stop,
    typed(empty) {
      if (empty) {
        stop();
        return;
      }
      clearTimeout(timer);
      timer = setTimeout(stop, idle);
      if (now() - told < renewed) return;
      told = now();
      tell(true);
    },
  };
}

/** Lets the others of a room see that one types. */
export function useTypingNotices(roomId: string): TypingNotices {
  const held = useRef<TypingNotices | null>(null);
  const get = useCallback((): TypingNotices => {
    held.current ??= typingNotices((typing) => {
      if (preferences().typing) client().sendTyping(roomId, typing, shown).catch(() => undefined);
    });
    return held.current;
  }, [roomId]);
  useEffect(
    () => () => {
      held.current?.stop();
      held.current = null;
    },
    [roomId],
  );
  return { typed: (empty) => get().typed(empty), stop: () => get().stop() };
}

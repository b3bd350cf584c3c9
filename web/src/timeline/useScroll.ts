import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "@/matrix/message.ts";
import { markReadUpTo, type TimelineModel, type TimelineView } from "@/matrix/timeline.ts";
import { messagesOf, type Row } from "./rows.ts";

/** What holds still while rows come and go: the end, or the visible rows at their distances from the top edge. */
type Anchor = { end: true } | { end: false; rows: { key: string; top: number }[] };

interface Scroll {
  box: RefObject<HTMLDivElement | null>;
  inner: RefObject<HTMLDivElement | null>;
  onScroll: () => void;
  atEnd: boolean;
  /** New messages below what was seen. */
  below: number;
  flash: string | null;
  toEnd: () => void;
}

const endZone = 8; // pixels: zoomed pages have fractions

/** Whether the user looks at the page. */
const active = (): boolean => document.visibilityState === "visible" && document.hasFocus();

const rowsIn = (inner: HTMLElement): HTMLElement[] => [...inner.children] as HTMLElement[];

/** The first row whose lower edge is below a line. */
function firstBelow(rows: HTMLElement[], y: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const mid = (low + high) >> 1;
    if ((rows[mid] as HTMLElement).getBoundingClientRect().bottom > y) high = mid;
    else low = mid + 1;
  }
  return low;
}

/**
 * Keeps a timeline where the reader is. It measures instead of estimating: before each change it notes where the visible rows are, and
 * after it puts them back, before the browser paints. So messages may come, go and grow above and below without a jump. It asks for
 * more near the edges, and lets go of what is far from the visible part.
 */
export function useScroll(rows: readonly Row[], view: TimelineView, model: TimelineModel): Scroll {
  const box = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor>({ end: true });
  const seen = useRef<string | null>(null); // the newest message that was on the screen
  const lastActive = useRef<string | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [below, setBelow] = useState(0);
  const [flash, setFlash] = useState<string | null>(null);
  const goal = useRef(false); // the target is not yet where it belongs
  const now = useRef({ rows, view });

  const capture = useCallback(() => {
    const [b, i] = [box.current, inner.current];
    if (b === null || i === null || i.childElementCount === 0) return;
    const { live } = now.current.view;
    if (live && b.scrollHeight - b.scrollTop - b.clientHeight <= endZone) {
      anchor.current = { end: true };
      return;
    }
    const edge = b.getBoundingClientRect();
    const elements = rowsIn(i);
    const visible: { key: string; top: number }[] = [];
    for (let n = firstBelow(elements, edge.top); n < elements.length; n++) {
      const e = elements[n] as HTMLElement;
      const { top } = e.getBoundingClientRect();
      if (top > edge.bottom) break;
      // A day's line goes up when older messages of that day come in.
      const key = e.dataset.row ?? "";
      if (!key.startsWith("day ")) visible.push({ key, top: top - edge.top });
    }
    anchor.current = { end: false, rows: visible };
  }, []);

  const restore = useCallback(() => {
    const [b, i] = [box.current, inner.current];
    if (b === null || i === null) return;
    if (anchor.current.end) {
      b.scrollTop = b.scrollHeight;
      return;
    }
    const edge = b.getBoundingClientRect().top;
    for (const { key, top } of anchor.current.rows) {
      const e = i.querySelector(`[data-row="${CSS.escape(key)}"]`);
      if (e === null) continue;
      const moved = e.getBoundingClientRect().top - edge - top;
      if (Math.abs(moved) > 0.5) b.scrollTop += moved;
      return;
    }
  }, []);

  const check = useCallback(() => {
    const [b, i] = [box.current, inner.current];
    const { view: v, rows: r } = now.current;
    if (b === null || i === null || v.phase !== "ready" || b.clientHeight === 0) return;
    const gap = b.scrollHeight - b.scrollTop - b.clientHeight;
    const near = b.clientHeight * 1.5;
    const again = (did: boolean) => {
      if (did) requestAnimationFrame(check);
    };
    const [up, down] = [v.older && b.scrollTop < near, v.newer && gap < near];
    if (up) void model.older().then(again);
    if (down) void model.newer().then(again);
    if (!up && !down) trim(b, i, r, model);
    const end = v.live && gap <= endZone;
    setAtEnd(end);
    note(b, i, end);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the functions below read refs only
  }, [model]);

  /** Notes what is on the screen: for receipts, and for the count of what is new below. */
  const note = (b: HTMLElement, i: HTMLElement, end: boolean) => {
    const messages = now.current.view.messages;
    const elements = rowsIn(i);
    const limit = b.getBoundingClientRect().bottom + 1;
    let last: Message | undefined = end ? messages.at(-1) : undefined;
    if (!end) {
      const n = firstBelow(elements, limit) - 1;
      const row = now.current.rows[n];
      last = row === undefined ? undefined : (messagesOf(row).at(-1) ?? messagesOf(now.current.rows[n - 1] ?? row).at(-1));
    }
    const index = (id: string | null) => (id === null ? -1 : messages.findIndex((m) => m.id === id));
    if (last !== undefined && active()) {
      lastActive.current = messages.at(-1)?.id ?? null;
      const at = index(last.id);
      if (seen.current === null || at >= index(seen.current)) {
        seen.current = last.id;
        markReadUpTo(model, last.id, end);
      }
    }
    const from = index(seen.current);
    setBelow(end || from < 0 ? 0 : messages.slice(from + 1).filter((m) => !m.mine && m.body.kind !== "state").length);
  };

  if (now.current.rows !== rows) capture(); // React has not touched the page yet
  now.current = { rows, view };

  const { target } = view;
  const [reached, setReached] = useState<typeof target | null>(null);
  useLayoutEffect(() => {
    const b = box.current;
    if (view.phase !== "ready" || b === null) return;
    if (reached !== target) {
      setReached(target);
      seen.current = null;
      goal.current = target.id !== null;
      if (target.id === null) anchor.current = { end: true };
      setFlash(target.flash ? target.id : null);
    }
    if (goal.current) {
      // Until enough is loaded around it to put it there, or the user scrolls.
      const line = target.id === view.unreadAfter && rows.some((r) => r.key === "unread") ? "unread" : undefined;
      const key = line ?? rows.find((r) => messagesOf(r).some((m) => m.id === target.id))?.key;
      const top = b.clientHeight * 0.3;
      if (key !== undefined) anchor.current = { end: false, rows: [{ key, top }] };
      restore();
      const e = key === undefined ? null : b.querySelector(`[data-row="${CSS.escape(key)}"]`);
      if (e !== null && Math.abs(e.getBoundingClientRect().top - b.getBoundingClientRect().top - top) < 2) goal.current = false;
    }
    restore();
    capture();
  }, [rows, target, reached, view.phase, view.unreadAfter, restore, capture]);

  const lastKey = useRef<string | null>(null);
  useLayoutEffect(() => {
    const last = view.messages.at(-1);
    if (last !== undefined && last.key !== lastKey.current) {
      // What the user sends is always shown.
      if (last.mine && last.status === "sending" && lastKey.current !== null) {
        anchor.current = { end: true };
        restore();
      } else if (!last.mine && !active() && view.live && lastActive.current !== null && lastActive.current !== last.id) {
        model.markUnreadAfter(lastActive.current);
        lastActive.current = null;
      }
      lastKey.current = last.key;
    }
    check();
  }, [view, model, check, restore]);

  useEffect(() => {
    const [b, i] = [box.current, inner.current];
    if (b === null || i === null) return undefined;
    // Pictures that load, messages that become readable, the keyboard of a phone: all of them change sizes.
    const sizes = new ResizeObserver(() => {
      restore();
      check();
    });
    sizes.observe(i);
    sizes.observe(b);
    const byHand = () => void (goal.current = false);
    const inputs = ["wheel", "touchmove", "pointerdown", "keydown"] as const;
    for (const name of inputs) b.addEventListener(name, byHand, { passive: true });
    window.addEventListener("focus", check);
    document.addEventListener("visibilitychange", check);
    return () => {
      sizes.disconnect();
      for (const name of inputs) b.removeEventListener(name, byHand);
      window.removeEventListener("focus", check);
      document.removeEventListener("visibilitychange", check);
    };
  }, [restore, check, view.phase]);

  const onScroll = useCallback(() => {
    capture();
    check();
  }, [capture, check]);

  const toEnd = useCallback(() => {
    if (now.current.view.live) {
      anchor.current = { end: true };
      restore();
      check();
    } else void model.openEnd();
  }, [model, restore, check]);

  return { box, inner, onScroll, atEnd, below, flash, toEnd };
}

/** Lets go of rows that are many screens away. */
function trim(b: HTMLElement, i: HTMLElement, rows: readonly Row[], model: TimelineModel): void {
  const far = b.clientHeight * 4 + 1500;
  const edge = b.getBoundingClientRect();
  const elements = rowsIn(i);
  if (elements.length !== rows.length) return;
  const above = firstBelow(elements, edge.top - far);
  const beyond = firstBelow(elements, edge.bottom + far);
  const idAt = (n: number, step: 1 | -1): string | null => {
    for (let k = n; k >= 0 && k < rows.length; k += step) {
      const m = messagesOf(rows[k] as Row);
      const found = step === 1 ? m[0] : m.at(-1);
      if (found !== undefined && !found.id.startsWith("~")) return found.id;
    }
    return null;
  };
  // A few rows more or less are not worth the work.
  const first = above > 30 ? idAt(above, 1) : null;
  const last = elements.length - beyond > 30 ? idAt(beyond, -1) : null;
  if (first !== null || last !== null) model.trim(first, last);
}

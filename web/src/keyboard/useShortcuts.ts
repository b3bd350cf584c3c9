import { useEffect, useRef } from "react";
import { pressed, type ShortcutName } from "./shortcuts.ts";

/** What a key does; false leaves it to the browser. */
type Handlers = Partial<Record<ShortcutName, (e: KeyboardEvent) => unknown>>;

const shows = (selector: string): boolean => [...document.querySelectorAll(selector)].some((e) => e.getClientRects().length > 0);

/** Whether a menu, a list of choices or a dialog is open: it takes Escape. */
export const somethingOpen = (): boolean => shows('[role="dialog"], [role="menu"], [role="listbox"]');

/** Listens for keys wherever the focus is, but not behind a dialog unless `over` says so. */
export function useShortcuts(handlers: Handlers, over = false): void {
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    const listen = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.isComposing) return;
      for (const [name, run] of Object.entries(latest.current) as [ShortcutName, (e: KeyboardEvent) => unknown][]) {
        if (!pressed(e, name)) continue;
        if (!over && shows('[aria-modal="true"]')) return;
        if (run(e) !== false) e.preventDefault();
        return;
      }
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [over]);
}

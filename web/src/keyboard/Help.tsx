import { lazy, Suspense } from "react";
import { create } from "zustand";
import { withTexts } from "@/app/language.ts";
import { useShortcuts } from "./useShortcuts.ts";

const Dialog = lazy(withTexts(["keyboard"], async () => ({ default: (await import("./ShortcutsDialog.tsx")).ShortcutsDialog })));

const useHelp = create(() => ({ open: false }));

/** Shows which keys there are. */
export const showShortcuts = (): void => useHelp.setState({ open: true });

/** The list of shortcuts over whatever is shown, once asked for. */
export function ShortcutsHelp() {
  const { open } = useHelp();
  useShortcuts({ shortcuts: showShortcuts });
  return <Suspense fallback={null}>{open && <Dialog onClose={() => useHelp.setState({ open: false })} />}</Suspense>;
}

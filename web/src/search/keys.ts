import { useNavigate, useParams } from "@tanstack/react-router";
import { useShortcuts } from "@/keyboard/useShortcuts.ts";
import { useSearchView } from "./state.ts";

/** Ctrl F searches in the room that is open, Ctrl Shift F in all. Pressed once more in the field, Ctrl F is the browser's own. */
export function useSearchKeys(): void {
  const navigate = useNavigate();
  const { roomId } = useParams({ strict: false });
  const here = () => {
    if (roomId === undefined || (document.activeElement as HTMLElement | null)?.dataset.searchField !== undefined) return false;
    const field = document.querySelector<HTMLInputElement>("[data-search-field]");
    if (field) {
      field.focus();
      field.select();
    } else void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel: "search" } });
    return true;
  };
  useShortcuts({ searchHere: here, searchAll: () => void navigate({ to: "/search" }) });
}

/** Searches in all rooms for words that were typed elsewhere. */
export function useSearchFor(): (words: string) => void {
  const navigate = useNavigate();
  return (words) => {
    useSearchView.setState({ text: words });
    void navigate({ to: "/search" });
  };
}

import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Hit } from "./index.ts";
import { useSearchView } from "./state.ts";

/** Goes to a message in its room; the results stay beside it where there is space for both. */
export function useOpenHit(): (hit: Hit) => void {
  const navigate = useNavigate();
  const path = useRouterState({ select: (s) => s.location.pathname });
  return useCallback(
    (hit) => {
      const beside = !matchMedia("(max-width: 61.99em)").matches;
      // Another room's results are those of all rooms.
      if (!path.includes(encodeURIComponent(hit.roomId)) && !path.includes(hit.roomId)) useSearchView.setState({ scope: "all" });
      void navigate({ to: "/room/$roomId", params: { roomId: hit.roomId }, search: { event: hit.id, ...(beside ? { panel: "search" } : {}) } });
    },
    [navigate, path],
  );
}

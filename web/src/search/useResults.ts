import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useRef, useState } from "react";
import { ignoredPeople, ownId, searchedPeople, searchedRoomNames } from "@/matrix/searchNames.ts";
import type { Hit } from "./index.ts";
import { idsOf } from "./names.ts";
import { type Atom, isEmpty, parseQuery } from "./query.ts";
import { find, useSearch } from "./service.ts";
import { useSearchView } from "./state.ts";

const page = 30;

export interface Results {
  /** Null: nothing is looked for, or the answer is not there yet. */
  hits: Hit[] | null;
  atoms: readonly Atom[];
  more: boolean;
  busy: boolean;
  showMore: () => void;
}

/** What the index finds for what was typed; asked anew while messages arrive. */
export function useResults(roomId: string | null): Results {
  const { text, order } = useSearchView();
  const [typed] = useDebouncedValue(text, 120);
  const phase = useSearch((s) => s.phase);
  const version = useSearch((s) => s.version);
  const [limit, setLimit] = useState(page);
  const [found, setFound] = useState<{ key: string; hits: Hit[]; more: boolean; atoms: readonly Atom[] } | null>(null);
  const [busy, setBusy] = useState(false);
  const asked = useRef(0);
  const key = `${roomId ?? ""} ${order} ${typed}`;
  useEffect(() => setLimit(page), [key]);
  useEffect(() => {
    const mine = ++asked.current;
    const query = parseQuery(typed);
    if (phase !== "ready" || isEmpty(query)) {
      setFound(null);
      setBusy(false);
      return;
    }
    setBusy(true);
    const rooms = idsOf(query.in, searchedRoomNames);
    const senders = idsOf(query.from, () => searchedPeople(roomId), [["me", "mir", "ich"], ownId()]);
    void find({
      ...{ atoms: query.atoms, after: query.after, before: query.before, kinds: query.has, order, limit, past: null, skip: 0, senders, not: ignoredPeople() },
      rooms: roomId === null ? rooms : rooms === null || rooms.includes(roomId) ? [roomId] : [],
    }).then(
      ({ hits, more }) => {
        if (mine !== asked.current) return;
        setFound({ key, hits, more, atoms: query.atoms });
        setBusy(false);
      },
      () => mine === asked.current && setBusy(false),
    );
  }, [key, limit, order, phase, roomId, typed, version]);
  return { hits: found?.hits ?? null, atoms: found?.atoms ?? [], more: found?.more ?? false, busy, showMore: () => setLimit((n) => n + page) };
}

import { useCallback, useRef, useSyncExternalStore } from "react";

type Listener = () => void;

interface Emitter {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** Pairs of an emitter of the SDK and the names of its events that a view depends on. */
export type Sources = readonly (readonly [object, readonly string[]])[];

/**
 * Calls back once for each frame in which any of the events fired: a sync that brings a thousand events costs one render.
 * A page in the background has no frames; there a timer takes their place.
 */
export function subscribe(sources: Sources, listener: Listener): () => void {
  let waiting = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    cancelAnimationFrame(waiting);
    clearTimeout(timer);
    waiting = 0;
    timer = undefined;
    listener();
  };
  const fire = () => {
    if (timer !== undefined) return;
    waiting = requestAnimationFrame(run);
    timer = setTimeout(run, 100);
  };
  const each = (act: "on" | "off") => {
    for (const [emitter, names] of sources) for (const name of names) (emitter as Emitter)[act](name, fire);
  };
  each("on");
  return () => {
    each("off");
    cancelAnimationFrame(waiting);
    clearTimeout(timer);
  };
}

/**
 * A view of the SDK's data that is computed anew after the events of its sources, and gives the same object as long as `same` says
 * that nothing changed. `key` names what is looked at: a new key means new sources.
 */
export function useView<T>(key: string, sources: () => Sources, compute: () => T, same: (a: T, b: T) => boolean = Object.is): T {
  const held = useRef<{ key: string; value: T; stale: boolean } | null>(null);
  const latest = useRef({ sources, compute, same });
  latest.current = { sources, compute, same };
  const get = useCallback(() => {
    const h = held.current;
    if (h !== null && h.key === key && !h.stale) return h.value;
    const value = latest.current.compute();
    const kept = h !== null && h.key === key && latest.current.same(h.value, value) ? h.value : value;
    held.current = { key, value: kept, stale: false };
    return kept;
  }, [key]);
  const listen = useCallback(
    (notify: Listener) => {
      const changed = () => {
        if (held.current !== null) held.current.stale = true;
        notify();
      };
      changed(); // what happened between the first render and now
      return subscribe(latest.current.sources(), changed);
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the key stands for the sources
    [key],
  );
  return useSyncExternalStore(listen, get, get);
}

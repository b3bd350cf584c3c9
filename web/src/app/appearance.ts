import { createStore } from "zustand/vanilla";
import { useStore } from "zustand";

/** How the app looks in this browser. It stays with the browser, as a screen's size does. */
export interface Appearance {
  density: "comfortable" | "compact";
  textSize: number; // percent of the browser's
  clock: "auto" | "24" | "12";
  motion: "auto" | "reduced";
}

const key = "conclave.appearance";
const initial: Appearance = { density: "comfortable", textSize: 100, clock: "auto", motion: "auto" };
export const textSizes = [90, 100, 110, 125, 150] as const;

function read(): Appearance {
  try {
    const k = JSON.parse(localStorage.getItem(key) ?? "{}") as Partial<Record<keyof Appearance, unknown>>;
    return {
      density: k.density === "compact" ? "compact" : "comfortable",
      textSize: textSizes.find((s) => s === k.textSize) ?? 100,
      clock: k.clock === "24" || k.clock === "12" ? k.clock : "auto",
      motion: k.motion === "reduced" ? "reduced" : "auto",
    };
  } catch {
    return initial; // not ours, or damaged
  }
}

const store = createStore<Appearance>(read);

/** Shows a choice on the page: style sheets look for data-density and data-motion; everything is measured in rem. */
function apply(a: Appearance): void {
  const root = document.documentElement;
  root.dataset.density = a.density;
  root.dataset.motion = a.motion;
  root.style.fontSize = a.textSize === 100 ? "" : `${a.textSize}%`;
}

apply(store.getState());
store.subscribe((a) => {
  localStorage.setItem(key, JSON.stringify(a));
  apply(a);
});

export const useAppearance = (): Appearance => useStore(store);
export const setAppearance = (some: Partial<Appearance>): void => store.setState(some);

/** What Intl.DateTimeFormat needs to obey the choice of clock. */
export const clockOptions = (clock: Appearance["clock"] = store.getState().clock): { hourCycle?: "h23" | "h12" } =>
  clock === "24" ? { hourCycle: "h23" } : clock === "12" ? { hourCycle: "h12" } : {};

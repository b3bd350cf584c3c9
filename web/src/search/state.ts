import { create } from "zustand";

interface View {
  /** What was typed; it stays while results are looked at. */
  text: string;
  scope: "room" | "all";
  order: "newest" | "best";
}

export const useSearchView = create<View>(() => ({ text: "", scope: "room", order: "newest" }));

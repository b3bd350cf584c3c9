import "./polyfill.ts";
import "fake-indexeddb/auto";
import { vi } from "vitest";

// What jsdom lacks and Mantine asks for.
vi.stubGlobal("matchMedia", (query: string) => ({
  matches: false, media: query, onchange: null, addEventListener: () => undefined, removeEventListener: () => undefined, dispatchEvent: () => false,
}));
vi.stubGlobal("ResizeObserver", class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
});
if (typeof Element !== "undefined") Element.prototype.scrollIntoView = () => undefined; // tests of what has no page run without one

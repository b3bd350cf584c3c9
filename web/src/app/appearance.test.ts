import { expect, test } from "vitest";
import { clockOptions, setAppearance } from "./appearance.ts";

test("a choice shows on the page at once and is kept", () => {
  setAppearance({ textSize: 125, density: "compact", motion: "reduced" });
  const root = document.documentElement;
  expect([root.style.fontSize, root.dataset.density, root.dataset.motion]).toEqual(["125%", "compact", "reduced"]);
  expect(JSON.parse(localStorage.getItem("conclave.appearance") ?? "")).toMatchObject({ textSize: 125, density: "compact", motion: "reduced" });
  setAppearance({ textSize: 100 });
  expect(root.style.fontSize).toBe("");
});

test.each([["24", "16:05"], ["12", "4:05 PM"]] as const)("the %s hour clock", (clock, shown) => {
  const time = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", timeZone: "UTC", ...clockOptions(clock) }).format(Date.UTC(2026, 0, 1, 16, 5));
  expect(time.replace(/\s/g, " ")).toBe(shown);
});

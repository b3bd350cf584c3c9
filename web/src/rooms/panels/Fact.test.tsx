import { MantineProvider } from "@mantine/core";
import { cleanup, render } from "@testing-library/react";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import type { Changers } from "@/matrix/changers.ts";
import type { Powers } from "@/matrix/members.ts";
import de from "../de.json";
import en from "../en.json";
import { WhoMay } from "./Fact.tsx";

let found: Changers[] = [];
const asked: string[][] = [];
vi.mock("@/matrix/changers.ts", () => ({
  useChangers: (_room: string, settings: string[]) => {
    asked.push(settings);
    return found;
  },
}));

beforeAll(async () => {
  await i18next.use(initReactI18next).init({ lng: "en", resources: { en: { rooms: en }, de: { rooms: de } }, interpolation: { escapeValue: false } });
});
afterEach(cleanup);

const powers = { name: true, topic: false, history: false } as Powers;
const shown = () => render(<WhoMay roomId="!r:x" powers={powers} of={["name", "topic", "history"]} />, { wrapper: ({ children }) => <MantineProvider>{children}</MantineProvider> }).container;

test("it is said who may change what the user may not, and whom to ask", async () => {
  found = [
    { settings: ["topic"], role: "moderator", names: ["Ada", "Ben"] },
    { settings: ["history"], role: "admin", names: ["Ada", "Ben", "Cy", "Di", "Ed"] },
    { settings: ["encryption"], role: "owner", names: [] },
  ];
  const text = shown().textContent ?? "";
  expect(asked.at(-1)).toEqual(["topic", "history"]);
  expect(text).toContain("Only moderators and admins may change the topic. Ask Ada or Ben.");
  expect(text).toContain("Only admins may change who may read earlier messages. Ask Ada, Ben, Cy, or 2 more.");
  expect(text).toContain("Only owners may change the encryption, and nobody here is one.");
  cleanup();
  await i18next.changeLanguage("de");
  expect(shown().textContent).toContain("Ändern dürfen nur Moderation und Admins: das Thema. Fragen Sie Ada oder Ben.");
});

test("nothing is said where the user may change everything", () => {
  const all = { name: true, topic: true, history: true } as Powers;
  expect(render(<WhoMay roomId="!r:x" powers={all} of={["name", "topic", "history"]} />, { wrapper: ({ children }) => <MantineProvider>{children}</MantineProvider> }).container.querySelector("p")).toBeNull();
});

import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Hold } from "./api-holds.ts";
import { day } from "./day.ts";
import en from "./en.json";
import { HoldsPage } from "./HoldsPage.tsx";

let may = true;
let holds: Hold[] = [];
const asked = vi.fn();
const placed = vi.fn();
const released = vi.fn();
vi.mock("./api.ts", async (original) => ({
  ...(await original<object>()),
  getRecording: () => Promise.resolve({ recorder: "none", unrecorded: 0, may_change: may }),
  list: (path: string, query: object) => {
    asked(path, query);
    const items = path === "holds" ? holds : path === "people" ? [{ user_id: "@ann:x", display_name: "Ann" }] : [{ room_id: "!r:x", name: "Board", alias: "" }];
    return Promise.resolve({ items, total: items.length });
  },
}));
vi.mock("./api-holds.ts", () => ({
  placeHold: (h: object) => Promise.resolve(placed(h)),
  releaseHold: (h: Hold, typed: string) => {
    released(h.hold_id, typed);
    return Promise.resolve({ hold: h, due: { rooms: 1, messages: 3, redacted: 0, files: 1, room_deletions: 0, accounts: 0, keys: 0 } });
  },
}));

// A busy machine renders slowly.
configure({ asyncUtilTimeout: 10_000 });
vi.setConfig({ testTimeout: 30_000 });

beforeAll(async () => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: () => {}, removeEventListener: () => {} }));
  await i18next.use(initReactI18next).init({ lng: "en", resources: { en: { admin: en } }, interpolation: { escapeValue: false } });
});
beforeEach(() => {
  may = true;
  holds = [{ hold_id: "h-1", case: "C-7", reason: "a court asks", custodian: "@bob:x", room: "", since: 0, until: 0, created: 1, created_by: "@eve:x", released: 0, released_by: "" }];
  vi.clearAllMocks();
});
afterEach(cleanup);

const shown = () =>
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <HoldsPage />
      </QueryClientProvider>
    </MantineProvider>,
  );

test("a hold is placed upon a person and a period", async () => {
  shown();
  fireEvent.click(await screen.findByText("Place a hold"));
  const dialog = await screen.findByRole("dialog", { hidden: true });
  const write = (label: string | RegExp, value: string) => fireEvent.change(screen.getByLabelText(label), { target: { value } });
  const submit = () => fireEvent.submit(dialog.querySelector("form") as HTMLFormElement);
  submit();
  await screen.findByText("A hold needs a case number.");
  write(/^Case number/, "C-8");
  write(/^Reason/, "an audit");
  submit();
  await screen.findByText("Choose a person, a room or a period.");
  expect(placed).not.toHaveBeenCalled();
  fireEvent.click(screen.getByLabelText("Person", { selector: "input" }));
  fireEvent.click(await screen.findByText("Ann (@ann:x)"));
  write("From", "2026-01-31");
  write("To", "2026-02-28");
  submit();
  await waitFor(() => expect(placed).toHaveBeenCalledWith({ case: "C-8", reason: "an audit", custodian: "@ann:x", since: day("2026-01-31"), until: day("2026-03-01") }));
});

test("a hold is released by its case number, and what goes then is said", async () => {
  shown();
  fireEvent.click(await screen.findByLabelText("Release the hold of case C-7"));
  await screen.findByRole("dialog", { hidden: true });
  const button = screen.getByText("Release the hold", { selector: "button *" }).closest("button") as HTMLElement;
  expect(button.hasAttribute("disabled")).toBe(true);
  fireEvent.change(screen.getByLabelText("Type C-7 to confirm"), { target: { value: "C-7" } });
  fireEvent.click(button);
  await screen.findByText("The hold of case C-7 was released");
  expect(released).toHaveBeenCalledWith("h-1", "C-7");
  for (const text of ["3 messages that were due", "1 file"]) screen.getByText(text);
  expect(screen.queryByText(/deleted message/)).toBeNull();
});

test("who lacks the compliance role is told who has it, and asks for nothing", async () => {
  may = false;
  shown();
  await screen.findByText(/recording\.administrators/);
  expect(asked).not.toHaveBeenCalled();
});

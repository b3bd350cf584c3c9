import { MantineProvider } from "@mantine/core";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import type { PollView } from "@/matrix/poll.ts";
import en from "./en.json";
import { Poll } from "./Poll.tsx";

const answer = (id: string, mine: boolean) => ({ id, text: id, votes: mine ? 1 : 0, mine, winner: false, voters: [] });
const poll: PollView = { question: "Lunch?", answers: [answer("Pizza", true), answer("Salad", false)], max: 1, people: 1, ended: false, open: true, canEnd: false };
const votes: { chosen: string[]; settle: (err?: Error) => void }[] = [];

vi.mock("@/matrix/poll.ts", () => ({
  usePoll: () => poll,
  endPoll: () => Promise.resolve(),
  vote: (_room: string, _id: string, chosen: string[]) => new Promise<void>((ok, fail) => votes.push({ chosen, settle: (err) => (err ? fail(err) : ok()) })),
}));
vi.mock("./state.ts", () => ({ useTimelineHandle: () => ({ place: { roomId: "!r" } }) }));
vi.mock("./acts.ts", () => ({ tell: (work: Promise<unknown>) => work.catch(() => undefined) }));

beforeAll(async () => {
  await i18next.use(initReactI18next).init({ lng: "en", resources: { en: { timeline: en } }, interpolation: { escapeValue: false } });
});
afterEach(cleanup);

const checked = (name: string) => (screen.getByRole("radio", { name: new RegExp(name) }) as HTMLInputElement).checked;

test("a click shows at once, and goes back when the vote is refused", async () => {
  render(
    <MantineProvider>
      <Poll id="$poll" />
    </MantineProvider>,
  );
  expect([checked("Pizza"), checked("Salad")]).toEqual([true, false]);
  fireEvent.click(screen.getByRole("radio", { name: /Salad/ }));
  expect([checked("Pizza"), checked("Salad")]).toEqual([false, true]);
  expect(votes[0]?.chosen).toEqual(["Salad"]);
  votes[0]?.settle(new Error("refused"));
  await waitFor(() => expect([checked("Pizza"), checked("Salad")]).toEqual([true, false]), { timeout: 30_000 });
});

test("a click on the own answer takes the vote back", () => {
  votes.length = 0;
  render(
    <MantineProvider>
      <Poll id="$poll" />
    </MantineProvider>,
  );
  fireEvent.click(screen.getByRole("radio", { name: /Pizza/ }));
  expect(votes.map((v) => v.chosen)).toEqual([[]]);
  expect(checked("Pizza")).toBe(false);
});

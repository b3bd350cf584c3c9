import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, fireEvent, render, screen } from "@testing-library/react";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { RecordingStatus, SettingValues } from "./api.ts";
import en from "./en.json";
import { Recording } from "./Recording.tsx";

let status: RecordingStatus;
vi.mock("./api.ts", () => ({ getRecording: () => Promise.resolve(status) }));

configure({ asyncUtilTimeout: 30_000 });
beforeAll(async () => {
  await i18next.use(initReactI18next).init({ lng: "en", resources: { en: { admin: en } }, interpolation: { escapeValue: false } });
});
beforeEach(() => {
  status = { recorder: "ok", unrecorded: 0, may_change: true };
});
afterEach(cleanup);

const values = { recording_scope: "people", recording_mode: "closed", recording_rooms: [], recording_people: ["@ann:x"] } as unknown as SettingValues;

function shown() {
  const set = vi.fn();
  const view = render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <p>page</p>
        <Recording v={values} set={set} line={(name, control) => <div key={name}><span id={name}>{name}</span>{control(name)}</div>} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return { ...view, set };
}

test("who has the compliance role changes what is recorded", async () => {
  const { set, container } = shown();
  await screen.findByRole("heading", { name: "Recording" });
  expect(container.textContent).toContain("@ann:x");
  expect(screen.queryByText("recording_rooms")).toBeNull();
  fireEvent.click(container.querySelector("input[aria-labelledby=recording_mode]") as HTMLElement);
  fireEvent.click(await screen.findByText("Accept it, archive it later"));
  expect(set).toHaveBeenCalledWith("recording_mode", "warn");
});

test("others read it, and that the recorder is down", async () => {
  status = { recorder: "connection refused", unrecorded: 3, may_change: false };
  const { container } = shown();
  await screen.findByText("The recorder does not answer");
  for (const text of ["connection refused", "Rooms with certain people", "Refuse the message", "@ann:x", "3 accepted events are not in the archive yet.", "compliance role"]) expect(container.textContent).toContain(text);
  expect(container.querySelectorAll("input")).toHaveLength(0);
});

test("where there is no recorder nothing is said", async () => {
  status = { recorder: "none", unrecorded: 0, may_change: false };
  shown();
  await new Promise((done) => setTimeout(done, 20));
  expect(screen.queryByText("Recording")).toBeNull();
});

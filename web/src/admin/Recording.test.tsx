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

vi.mock("./api-groups.ts", () => ({ allGroups: () => Promise.resolve([{ group_id: "desk", name: "Trading desk" }]) }));

configure({ asyncUtilTimeout: 30_000 });
beforeAll(async () => {
  await i18next.use(initReactI18next).init({ lng: "en", resources: { en: { admin: en } }, interpolation: { escapeValue: false } });
});
beforeEach(() => {
  status = { recorder: "ok", recorders: [{ user_id: "@recorder:x", log: "x/archive", state: "ok" }], unrecorded: 0, may_change: true };
});
afterEach(cleanup);

const values = { recording_scope: "people", recording_mode: "closed", recording_rooms: [], recording_people: ["@ann:x"], recording_classes: [] } as unknown as SettingValues;

function shown(v = values) {
  const set = vi.fn();
  const view = render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <p>page</p>
        <Recording v={v} set={set} line={(name, control) => <div key={name}><span id={name}>{name}</span>{control(name)}</div>} />
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
  status = { recorder: "connection refused", recorders: [], unrecorded: 3, outdated_rooms: 2, may_change: false };
  const { container } = shown();
  await screen.findByText("The recorder does not answer");
  for (const text of ["connection refused", "Rooms with certain people", "Refuse the message", "@ann:x", "3 accepted events are not in the archive yet.", "2 rooms are recorded as was set before", "compliance role"]) expect(container.textContent).toContain(text);
  expect(container.querySelectorAll("input")).toHaveLength(0);
});

test("what the daily verification found is said", async () => {
  const check = { time: "2026-01-02T03:04:05Z", records: 1200, newer: 34, stated: 1200, problems: 0 };
  status = { recorder: "ok", recorders: [], unrecorded: 0, may_change: false, archive: { check, expiry: { time: check.time, destroyed: 0, held: 2, waiting: 0 }, holds: 1 } };
  const right = shown();
  await screen.findByText(/The archive is right: verified .*2026.*1,234 records.*1,200 events/);
  expect(right.container.textContent).toContain("Holds keep 2 segments of the archive whose time is over.");
  expect(screen.queryByRole("alert")).toBeNull();
  right.unmount();

  status = { ...status, alarm: "problems", archive: { check: { ...check, problems: 3, first: ["segment/standard/x: it is missing"] }, holds: 0 } };
  const wrong = shown();
  expect((await screen.findByRole("alert")).textContent).toContain("The archive is not right: 3 problems");
  expect(wrong.container.textContent).toContain("segment/standard/x: it is missing");
  wrong.unmount();

  status = { ...status, alarm: "overdue", archive: { check, expiry: { time: check.time, destroyed: 0, held: 0, waiting: 0, error: "the homeserver does not say what is held" }, holds: 0 } };
  shown();
  await screen.findByText("The archive was not verified for more than a day");
  await screen.findByText("the homeserver does not say what is held");
  expect(screen.queryByText(/The archive is right/)).toBeNull();
  cleanup();

  status = { ...status, alarm: "stopped", archive: { stopped: "no space left on device", check, holds: 0 } };
  shown();
  expect((await screen.findByRole("alert")).textContent).toMatch(/The archive takes nothing.*no space left on device/);
  cleanup();

  const witnesses = [{ name: "chat.example.org", time: check.time, error: "it refuses the checkpoint", refused: true }, { name: "witness.example/w" }];
  status = { ...status, alarm: "witness", alarms: ["witness"], archive: { witnesses, check, holds: 0 } };
  shown();
  expect((await screen.findByRole("alert")).textContent).toMatch(/A witness refuses the archive.*chat.example.org: it refuses the checkpoint Last signature: .*2026.*It has signed nothing yet/);
  cleanup();

  status = { ...status, alarm: "clock", alarms: ["clock"], archive: { now: "2035-01-02T03:04:05Z", check, holds: 0 } };
  shown();
  expect((await screen.findByRole("alert")).textContent).toMatch(/clock is not this server's.*2035/);
  cleanup();

  status = { ...status, alarm: "bucket", alarms: ["bucket"], archive: { copy: { time: "2026-01-02T02:04:05Z", error: "access denied" }, check, holds: 0 } };
  shown();
  expect((await screen.findByRole("alert")).textContent).toMatch(/not copied to its bucket.*access denied.*2026/);
});

test("rooms of groups are recorded, by the groups' names", async () => {
  const { set, container } = shown({ ...values, recording_scope: "groups", recording_groups: [] } as SettingValues);
  await screen.findByText("recording_groups");
  fireEvent.click(container.querySelector("input[aria-labelledby=recording_groups]") as HTMLElement);
  fireEvent.click(await screen.findByText("Trading desk"));
  expect(set).toHaveBeenCalledWith("recording_groups", ["desk"]);
});

test("of several recorders each says whether it answers", async () => {
  const { container } = shown();
  await screen.findByText("recording_people");
  expect(container.textContent).not.toContain("@recorder:x"); // one alone is no list
  cleanup();
  status.recorders.push({ user_id: "@recorder-2:x", log: "x/archive-2", state: "connection refused" });
  shown();
  await screen.findByText("@recorder-2:x");
  expect(screen.getByText("Answers")).toBeTruthy();
  expect(screen.getByText("No answer").closest("[title]")?.getAttribute("title")).toBe("connection refused");
  expect(screen.queryByText("The recorder does not answer")).toBeNull(); // one does, and that is enough
});

test("retention classes are made, put in order and removed, and one that the recorder does not know is told", async () => {
  status.archive = { holds: 0, classes: ["board"] };
  const two = [
    { class: "broker", groups: ["desk"], rooms: [] },
    { class: "board", groups: [], rooms: ["!b:x"] },
  ];
  const { set } = shown({ ...values, recording_classes: two } as SettingValues);
  await screen.findByDisplayValue("broker");
  await screen.findAllByText("Trading desk");
  expect(screen.getAllByText(/The recorder has no term for this class/)).toHaveLength(1);
  fireEvent.change(screen.getByDisplayValue("broker"), { target: { value: "Broker!" } });
  expect(set).toHaveBeenLastCalledWith("recording_classes", [{ class: "Broker!", groups: ["desk"], rooms: [] }, two[1]]);
  fireEvent.click(screen.getByRole("button", { name: "Move board up" }));
  expect(set).toHaveBeenLastCalledWith("recording_classes", [two[1], two[0]]);
  fireEvent.click(screen.getAllByRole("button", { name: "Remove" })[0] as HTMLElement);
  expect(set).toHaveBeenLastCalledWith("recording_classes", [two[1]]);
  fireEvent.click(screen.getByRole("button", { name: "Add a class" }));
  expect(set).toHaveBeenLastCalledWith("recording_classes", [...two, { class: "", groups: [], rooms: [] }]);
  cleanup();
  shown({ ...values, recording_classes: [two[0], { class: "broker", groups: [], rooms: [] }, { class: "", groups: [], rooms: [] }] } as SettingValues);
  await screen.findByText("This class is there already.");
  expect(screen.getByText(/Small letters, digits and hyphens/)).toBeTruthy();
  cleanup();
  status.may_change = false;
  const { container } = shown({ ...values, recording_classes: two } as SettingValues);
  await screen.findByText(/broker: Trading desk/);
  expect(container.textContent).toContain("board: !b:x");
  expect(container.querySelectorAll("input")).toHaveLength(0);
});

test("where there is no recorder nothing is said", async () => {
  status = { recorder: "none", recorders: [], unrecorded: 0, may_change: false };
  shown();
  await new Promise((done) => setTimeout(done, 20));
  expect(screen.queryByText("Recording")).toBeNull();
});

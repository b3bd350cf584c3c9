import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, configure, fireEvent, render, screen } from "@testing-library/react";
import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { GroupPage } from "./GroupPage.tsx";
import { badId, slug } from "./api-groups.ts";
import en from "./en.json";

const calls = vi.hoisted(() => ({ api: vi.fn() }));
vi.mock("@/matrix/api.ts", () => ({ api: calls.api, rawApi: vi.fn(), ApiError: class extends Error {} }));
vi.mock("@tanstack/react-router", () => ({ Link: ({ children }: { children: React.ReactNode }) => <a href="#x">{children}</a>, useNavigate: () => vi.fn() }));

let members: string[];
beforeAll(async () => {
  configure({ asyncUtilTimeout: 10_000 });
  await i18next.use(initReactI18next).init({ lng: "en", resources: { en: { admin: en } }, interpolation: { escapeValue: false } });
});
beforeEach(() => {
  members = ["@ann:x"];
  calls.api.mockReset();
  calls.api.mockImplementation((path: string, init?: { method?: string; body?: { add?: string[]; remove?: string[] } }) => {
    const item = { group_id: "desk", name: "Trading desk", members: members.length, created: 1 };
    if (init?.method === "POST") {
      members = [...members, ...(init.body?.add ?? [])].filter((m) => !init.body?.remove?.includes(m));
      return Promise.resolve(item);
    }
    if (path.includes("/members")) return Promise.resolve({ items: members.map((m) => ({ user_id: m, display_name: m.slice(1, 4), added: 1 })), total: members.length });
    if (path.includes("/people")) return Promise.resolve({ items: [{ user_id: "@bob:x", display_name: "Bob", deactivated: false }, { user_id: "@old:x", display_name: "Old", deactivated: true }], total: 2 });
    return Promise.resolve(item);
  });
});
afterEach(cleanup);

test("a group's id is made of its name", () => {
  for (const [name, id] of [["Trading desk", "trading-desk"], ["  Händler & Größen ", "haendler-groessen"], ["École", "ecole"], ["Кадры", ""], ["R&D 2.0", "r-d-2.0"]] as const) expect(slug(name)).toBe(id);
  for (const id of ["", "-a", "A", "a b", "x".repeat(65)]) expect(badId(id)).toBe(true);
  for (const id of ["a", "0.a_b-c", "x".repeat(64)]) expect(badId(id)).toBe(false);
});

test("people are found, put into a group and taken out of it", async () => {
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <GroupPage id="desk" />
      </QueryClientProvider>
    </MantineProvider>,
  );
  await screen.findByText("ann");
  const add = screen.getByRole<HTMLButtonElement>("button", { name: "Add" });
  expect(add.disabled).toBe(true);
  const pick = screen.getByLabelText("People to add", { selector: "input" });
  fireEvent.focus(pick);
  fireEvent.click(pick);
  fireEvent.click(await screen.findByText("Bob (@bob:x)"));
  expect(screen.queryByText("Old (@old:x)")).toBeNull(); // who has left cannot be in a group
  fireEvent.click(add);
  fireEvent.click(await screen.findByRole("button", { name: "Remove bob from the group" }));
  await vi.waitFor(() => expect(screen.queryByRole("button", { name: "Remove bob from the group" })).toBeNull());
  expect(calls.api.mock.calls.filter((c) => (c[1] as { method?: string } | undefined)?.method === "POST").map((c) => [c[0], (c[1] as { body: unknown }).body])).toEqual([
    ["/_conclave/admin/v1/groups/desk/members", { add: ["@bob:x"] }],
    ["/_conclave/admin/v1/groups/desk/members", { remove: ["@bob:x"] }],
  ]);
});

test("a group is deleted only with its id typed in", async () => {
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <GroupPage id="desk" />
      </QueryClientProvider>
    </MantineProvider>,
  );
  fireEvent.click(await screen.findByRole("button", { name: "Delete group…" }));
  const sure = await screen.findByRole<HTMLButtonElement>("button", { name: "Delete group" });
  expect(sure.disabled).toBe(true);
  fireEvent.change(screen.getByLabelText("Type desk to confirm"), { target: { value: "desk" } });
  fireEvent.click(sure);
  await vi.waitFor(() => expect(calls.api).toHaveBeenCalledWith("/_conclave/admin/v1/groups/desk", { method: "DELETE", body: {} }));
});

import { type ComponentType, lazy, type LazyExoticComponent } from "react";
import type { IconName } from "@/ui/Icon.tsx";

export interface AdminPageEntry {
  /** Its address and the key of its title in this folder's texts. */
  name: string;
  icon: IconName;
  page: LazyExoticComponent<ComponentType>;
  /** The page of one item, below the list's address. */
  item?: LazyExoticComponent<ComponentType<{ id: string }>>;
  group?: boolean;
  /** Only for those with the compliance role. */
  compliance?: boolean;
  /** Reached from another page, not from the navigation. */
  under?: string;
}

function page<K extends string, P>(load: () => Promise<Record<K, ComponentType<P>>>, component: K): LazyExoticComponent<ComponentType<P>> {
  return lazy(async () => ({ default: (await load())[component] }));
}

/** The pages of the console, in the order of the navigation. */
export const pages: readonly AdminPageEntry[] = [
  { name: "dashboard", icon: "gauge", page: page(() => import("./DashboardPage.tsx"), "DashboardPage") },
  {
    name: "people",
    icon: "people",
    page: page(() => import("./PeoplePage.tsx"), "PeoplePage"),
    item: page(() => import("./PersonPage.tsx"), "PersonPage"),
  },
  {
    name: "groups",
    icon: "space",
    page: page(() => import("./GroupsPage.tsx"), "GroupsPage"),
    item: page(() => import("./GroupPage.tsx"), "GroupPage"),
  },
  { name: "invitations", icon: "link", page: page(() => import("./InvitationsPage.tsx"), "InvitationsPage") },
  { name: "import", icon: "upload", page: page(() => import("./ImportPage.tsx"), "ImportPage"), under: "people" },
  {
    name: "rooms",
    icon: "chat",
    page: page(() => import("./RoomsPage.tsx"), "RoomsPage"),
    item: page(() => import("./RoomPage.tsx"), "RoomPage"),
  },
  { name: "organisation", icon: "building", page: page(() => import("./OrganisationPage.tsx"), "OrganisationPage"), group: true },
  { name: "holds", icon: "lock", page: page(() => import("./HoldsPage.tsx"), "HoldsPage"), compliance: true },
  { name: "audit", icon: "log", page: page(() => import("./AuditPage.tsx"), "AuditPage") },
  { name: "health", icon: "pulse", page: page(() => import("./HealthPage.tsx"), "HealthPage") },
];

import { type ComponentType, lazy, type LazyExoticComponent } from "react";

/** What every panel beside the timeline gets. It has its own heading; the frame around it has the button that closes it. */
export interface PanelProps {
  roomId: string;
  close: () => void;
}

type Panel = LazyExoticComponent<ComponentType<PanelProps>>;

/** Makes a panel of a module's named component, loaded when it is first opened. */
export function panel<K extends string>(load: () => Promise<Record<K, ComponentType<PanelProps>>>, name: K): Panel {
  return lazy(async () => ({ default: (await load())[name] }));
}

/** The panels by their name in the address of a room (`?panel=`). The titles are the texts `panel.NAME` of this folder. */
export const panels: Readonly<Record<string, Panel>> = {
  files: panel(() => import("@/files/FilesPanel.tsx"), "FilesPanel"),
  info: panel(() => import("@/rooms/panels/InfoPanel.tsx"), "InfoPanel"),
  members: panel(() => import("@/rooms/panels/MembersPanel.tsx"), "MembersPanel"),
  person: panel(() => import("@/rooms/panels/PersonPanel.tsx"), "PersonPanel"),
  settings: panel(() => import("@/rooms/panels/SettingsPanel.tsx"), "SettingsPanel"),
  threads: panel(() => import("@/threads/ThreadsPanel.tsx"), "ThreadsPanel"),
  search: panel(() => import("@/search/SearchPanel.tsx"), "SearchPanel"),
  pins: panel(() => import("@/threads/PinsPanel.tsx"), "PinsPanel"),
};

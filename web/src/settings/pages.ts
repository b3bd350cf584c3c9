import { type ComponentType, lazy, type LazyExoticComponent } from "react";
import type { IconName } from "@/ui/Icon.tsx";

export interface SettingsPageEntry {
  /** Its address and the key of its title in this folder's texts. */
  name: string;
  icon: IconName;
  page: LazyExoticComponent<ComponentType>;
  /** The first of a group of pages in the navigation. */
  group?: boolean;
}

function entry<K extends string>(name: string, icon: IconName, load: () => Promise<Record<K, ComponentType>>, component: K): SettingsPageEntry {
  return { name, icon, page: lazy(async () => ({ default: (await load())[component] })) };
}

/** The pages of the own settings, in the order of the navigation. */
export const pages: readonly SettingsPageEntry[] = [
  entry("profile", "person", () => import("./ProfilePage.tsx"), "ProfilePage"),
  entry("account", "card", () => import("./AccountPage.tsx"), "AccountPage"),
  entry("devices", "devices", () => import("./DevicesPage.tsx"), "DevicesPage"),
  entry("encryption", "key", () => import("@/verify/EncryptionPage.tsx"), "EncryptionPage"),
  { ...entry("notifications", "bell", () => import("./NotificationsPage.tsx"), "NotificationsPage"), group: true },
  entry("appearance", "sun", () => import("./AppearancePage.tsx"), "AppearancePage"),
  entry("composing", "pencil", () => import("./ComposingPage.tsx"), "ComposingPage"),
  entry("keyboard", "keyboard", () => import("@/keyboard/KeyboardPage.tsx"), "KeyboardPage"),
  entry("search", "search", () => import("@/search/SearchSettings.tsx"), "SearchSettings"),
  entry("privacy", "eye", () => import("./PrivacyPage.tsx"), "PrivacyPage"),
  { ...entry("about", "info", () => import("./AboutPage.tsx"), "AboutPage"), group: true },
];

import { ActionIcon, CloseButton, Menu, TextInput, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { withTexts } from "@/app/language.ts";
import { useKeyWords } from "@/keyboard/Keys.tsx";
import { ariaKeys, pressed } from "@/keyboard/shortcuts.ts";
import { useClientState } from "@/matrix/client.ts";
import { useReminderDue } from "@/matrix/recovery-reminder.ts";
import type { RoomFilter } from "@/matrix/roomsorder.ts";
import { useSearchFor } from "@/search/keys.ts";
import { Icon } from "@/ui/Icon.tsx";
import { ProfileMenu } from "./ProfileMenu.tsx";
import { RoomList } from "./RoomList.tsx";
import { SpaceSwitcher } from "./SpaceSwitcher.tsx";
import { openDialog, useRooms } from "./state.ts";
import classes from "./RoomList.module.css";

const KeepKeyReminder = lazy(withTexts(["verify"], async () => ({ default: (await import("@/verify/KeepKeyReminder.tsx")).KeepKeyReminder })));

const filters: readonly RoomFilter[] = ["all", "people", "rooms", "unread"];

/** The left column: where one is, what to look for, the chats, and oneself. */
export function Sidebar() {
  const { t } = useTranslation("rooms");
  const words = useKeyWords();
  return (
    <div className={classes.column}>
      <div className={classes.head}>
        <SpaceSwitcher />
        <ActionIcon variant="subtle" size="lg" color="gray" c="var(--quiet)" aria-label={t("switch.open")} title={`${t("switch.open")} (${words("switcher")})`} aria-keyshortcuts={ariaKeys("switcher")} onClick={() => openDialog({ kind: "switch" })}>
          <Icon name="search" />
        </ActionIcon>
        <NewMenu />
      </div>
      <Filters />
      <Notes />
      <RoomList />
      <div className={classes.foot}>
        <ProfileMenu />
      </div>
    </div>
  );
}

/** From the filter on to what the rooms say. */
function SearchFor() {
  const { t } = useTranslation("rooms");
  const words = useRooms((s) => s.words).trim();
  const search = useSearchFor();
  if (words === "") return null;
  return (
    <UnstyledButton className={classes.searchFor} onClick={() => search(words)}>
      <Icon name="search" size={16} />
      <span>{t("searchFor", { words })}</span>
    </UnstyledButton>
  );
}

function NewMenu() {
  const { t } = useTranslation("rooms");
  const navigate = useNavigate();
  const space = useRooms((s) => s.space);
  return (
    <Menu position="bottom-end" shadow="md" withinPortal>
      <Menu.Target>
        <ActionIcon size="lg" aria-label={t("new.title")} title={t("new.title")}>
          <Icon name="plus" size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<Icon name="person" />} onClick={() => openDialog({ kind: "chat" })}>
          {t("new.chat")}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="hash" />} onClick={() => openDialog({ kind: "room", space, of: "room" })}>
          {t("new.room")}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="compass" />} onClick={() => void navigate({ to: "/explore" })}>
          {t("explore.title")}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="link" />} onClick={() => openDialog({ kind: "join", text: "" })}>
          {t("join.title")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Filters() {
  const { t } = useTranslation("rooms");
  const { filter, words } = useRooms();
  const clear = () => useRooms.setState({ words: "" });
  return (
    <div className={classes.filters}>
      <TextInput
        type="search"
        size="sm"
        aria-label={t("filter.label")}
        placeholder={t("filter.label")}
        leftSection={<Icon name="search" size={16} />}
        rightSection={words ? <CloseButton size="sm" aria-label={t("filter.clear")} onClick={clear} /> : null}
        value={words}
        onChange={(e) => useRooms.setState({ words: e.currentTarget.value })}
        onKeyDown={(e) => {
          if (pressed(e, "clearFilter")) clear();
          if (pressed(e, "toChats")) {
            e.preventDefault();
            document.querySelector<HTMLElement>("#chats a")?.focus();
          }
        }}
      />
      <div className={classes.chips} role="group" aria-label={t("filter.show")}>
        {filters.map((f) => (
          <UnstyledButton key={f} className={classes.chip} aria-pressed={filter === f} onClick={() => useRooms.setState({ filter: f })}>
            {t(`filter.${f}`)}
          </UnstyledButton>
        ))}
      </div>
      <SearchFor />
    </div>
  );
}

/** What is to be said above the chats. */
function Notes() {
  const due = useReminderDue();
  return (
    <div>
      <Connection />
      <Suspense fallback={null}>{due && <KeepKeyReminder />}</Suspense>
    </div>
  );
}

/** Says when the server cannot be reached; it goes by itself. */
function Connection() {
  const { t } = useTranslation("rooms");
  const online = useClientState((s) => s.online);
  return (
    <div role="status">
      {!online && (
        <div className={classes.connection}>
          <Icon name="offline" />
          {t("offline")}
        </div>
      )}
    </div>
  );
}

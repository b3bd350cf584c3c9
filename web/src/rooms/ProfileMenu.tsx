import { Menu, Text, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { showShortcuts } from "@/keyboard/Help.tsx";
import { Keys } from "@/keyboard/Keys.tsx";
import { keysOf } from "@/keyboard/shortcuts.ts";
import { useClientState } from "@/matrix/client.ts";
import { useIsAdmin, useMe } from "@/matrix/people.ts";
import { ownPresence, type OwnPresence, resumePresence, setOwnPresence } from "@/matrix/presence.ts";
import { useProfile } from "@/matrix/profile.ts";
import { useAct } from "@/ui/act.ts";
import { Face } from "./Face.tsx";
import { Icon } from "@/ui/Icon.tsx";
import { openDialog } from "./state.ts";
import classes from "./RoomList.module.css";

const choices: readonly OwnPresence[] = ["online", "away", "offline"];

/** The user: how others see them, settings, the way out. */
export function ProfileMenu() {
  const { t } = useTranslation("rooms");
  const me = useMe();
  const status = useProfile().data?.status;
  const admin = useIsAdmin();
  const navigate = useNavigate();
  const { act } = useAct();
  const [chosen, setChosen] = useState(ownPresence);
  const ready = useClientState((s) => s.phase === "ready");
  useEffect(() => {
    if (ready) resumePresence();
  }, [ready]);
  const choose = (state: OwnPresence) => {
    setChosen(state);
    void act(() => setOwnPresence(state));
  };
  return (
    <Menu position="top-start" shadow="md" width={260} withinPortal>
      <Menu.Target>
        <UnstyledButton className={classes.me}>
          <Face userId={me.id} name={me.name} mxc={me.avatar} size={36} />
          <span style={{ minInlineSize: 0 }}>
            <VisuallyHidden>{t("me.menu")} </VisuallyHidden>
            <Text truncate fw={600} size="sm">
              {me.name}
            </Text>
            <Text truncate size="xs" c="var(--quiet)">
              {status || t(`presence.own.${chosen}`)}
            </Text>
          </span>
          <Icon name="more" />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t("presence.title")}</Menu.Label>
        <Menu.RadioGroup value={chosen} onChange={(c) => choose(c as OwnPresence)}>
          {choices.map((c) => (
            <Menu.RadioItem key={c} value={c}>
              {t(`presence.own.${c}`)}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
        <Menu.Item leftSection={<Icon name="pencil" />} onClick={() => openDialog({ kind: "status" })}>
          {t("presence.setStatus")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="settings" />} onClick={() => void navigate({ to: "/settings" })}>
          {t("me.settings")}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="keyboard" />} rightSection={<Keys combination={keysOf("shortcuts")[0] ?? ""} />} onClick={showShortcuts}>
          {t("me.keys")}
        </Menu.Item>
        {admin && (
          <Menu.Item leftSection={<Icon name="shield" />} onClick={() => void navigate({ to: "/admin" })}>
            {t("me.admin")}
          </Menu.Item>
        )}
        <Menu.Item color="red" leftSection={<Icon name="leave" />} onClick={() => openDialog({ kind: "signOut" })}>
          {t("me.signOut")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}


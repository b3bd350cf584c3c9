import { Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useOrganisation } from "@/matrix/organisation.ts";
import { flat, useSpaceInvites, useSpaces } from "@/matrix/spaces.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { Icon } from "@/ui/Icon.tsx";
import { chooseSpace, openDialog, useRooms } from "./state.ts";
import classes from "./RoomList.module.css";

/** Chooses the department whose rooms the list shows, and leads to its page. */
export function SpaceSwitcher() {
  const { t } = useTranslation("rooms");
  const { name: organisation } = useOrganisation();
  const spaces = flat(useSpaces());
  const invites = useSpaceInvites();
  const chosen = useRooms((s) => s.space);
  const navigate = useNavigate();
  const current = spaces.find((s) => s.space.id === chosen)?.space;
  const open = (spaceId: string) => void navigate({ to: "/space/$spaceId", params: { spaceId } });
  return (
    <Menu position="bottom-start" shadow="md" width={300} withinPortal>
      <Menu.Target>
        <UnstyledButton className={classes.switcher}>
          <VisuallyHidden>{t("space.switch")} </VisuallyHidden>
          {current && <Avatar id={current.id} name={current.name} mxc={current.avatar} size={26} />}
          <span className={classes.label}>{current?.name ?? (organisation || t("space.all"))}</span>
          <Icon name="down" size={16} />
          {invites.length > 0 && <span className={classes.dot} role="img" aria-label={t("space.invites", { count: invites.length })} />}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah="70dvh" style={{ overflowY: "auto" }}>
        <Menu.Item leftSection={<Icon name="chat" />} rightSection={current ? null : <Icon name="check" size={16} />} onClick={() => chooseSpace("")}>
          {t("space.all")}
        </Menu.Item>
        {spaces.length > 0 && <Menu.Label>{t("space.spaces")}</Menu.Label>}
        {spaces.map(({ space, depth }, i) => (
          <Menu.Item
            key={`${i} ${space.id}`}
            style={{ paddingInlineStart: 12 + depth * 18 }}
            leftSection={<Avatar id={space.id} name={space.name} mxc={space.avatar} size={24} />}
            rightSection={space.id === chosen ? <Icon name="check" size={16} /> : null}
            onClick={() => {
              chooseSpace(space.id);
              open(space.id);
            }}
          >
            {space.name}
          </Menu.Item>
        ))}
        {invites.length > 0 && <Menu.Label>{t("space.invitedTo")}</Menu.Label>}
        {invites.map((s) => (
          <Menu.Item key={s.id} leftSection={<Avatar id={s.id} name={s.name} mxc={null} size={24} />} onClick={() => open(s.id)}>
            {s.name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<Icon name="compass" />} onClick={() => void navigate({ to: "/explore" })}>
          {t("explore.title")}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="plus" />} onClick={() => openDialog({ kind: "room", space: "", of: "space" })}>
          {t("space.new")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

import { ActionIcon, Menu } from "@mantine/core";
import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";

interface Props {
  onFiles: (files: File[]) => void;
  onPoll: () => void;
  onPlace: () => void;
  onHelp: () => void;
}

/** What can be sent besides text. */
export function AddMenu({ onFiles, onPoll, onPlace, onHelp }: Props) {
  const { t } = useTranslation("composer");
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Menu position="top-start" shadow="md" withinPortal>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("add.open")}>
            <Icon name="plus" size={20} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<Icon name="clip" size={18} />} onClick={() => input.current?.click()}>
            {t("add.files")}
          </Menu.Item>
          <Menu.Item leftSection={<Icon name="poll" size={18} />} onClick={onPoll}>
            {t("add.poll")}
          </Menu.Item>
          {"geolocation" in navigator && (
            <Menu.Item leftSection={<Icon name="place" size={18} />} onClick={onPlace}>
              {t("add.place")}
            </Menu.Item>
          )}
          <Menu.Item leftSection={<Icon name="pencil" size={18} />} onClick={onHelp}>
            {t("add.help")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t("add.files")}
        onChange={(e) => {
          onFiles([...(e.currentTarget.files ?? [])]);
          e.currentTarget.value = ""; // the same file can be chosen again
        }}
      />
    </>
  );
}

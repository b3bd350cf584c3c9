import { Center, Loader, Popover } from "@mantine/core";
import { lazy, type ReactElement, Suspense, useState } from "react";

interface Props {
  onPick: (emoji: string) => void;
}

const Panel = lazy(async () => ({ default: (await import("./EmojiPickerPanel.tsx")).EmojiPickerPanel }));

/** All emoji, with search, categories and skin tones. Loaded when first shown; it takes the focus. */
export function EmojiPicker({ onPick }: Props) {
  return (
    <Suspense
      fallback={
        <Center w="20rem" maw="calc(100vw - 2rem)" h="22rem">
          <Loader size="sm" />
        </Center>
      }
    >
      <Panel onPick={onPick} />
    </Suspense>
  );
}

/** A button that opens the picker. `target` makes the button of the props that it gets: it must pass `onClick` and the aria properties on. */
export function EmojiPopover({ onPick, target, keepOpen = false }: Props & { target: (props: { onClick: () => void }) => ReactElement; keepOpen?: boolean }) {
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} withinPortal trapFocus returnFocus shadow="md" position="top-end">
      <Popover.Target>{target({ onClick: () => setOpened((o) => !o) })}</Popover.Target>
      <Popover.Dropdown p={0}>
        <EmojiPicker
          onPick={(emoji) => {
            if (!keepOpen) setOpened(false);
            onPick(emoji);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

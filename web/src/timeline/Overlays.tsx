import { Menu, Popover } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useKeyWords } from "@/keyboard/Keys.tsx";
import { ariaKeys } from "@/keyboard/shortcuts.ts";
import type { Message } from "@/matrix/message.ts";
import { useOrganisation } from "@/matrix/organisation.ts";
import { toggleReaction } from "@/matrix/relations.ts";
import { EmojiPicker } from "@/ui/EmojiPicker.tsx";
import { type Act, actsOn, tell } from "./acts.ts";
import { DeleteDialog } from "./DeleteDialog.tsx";
import { ForwardDialog } from "./ForwardDialog.tsx";
import { HistoryDialog, ReactionsDialog, SourceDialog } from "./InfoDialogs.tsx";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Parts.module.css";
import { ReportDialog } from "./ReportDialog.tsx";
import { closeOverlay, type Overlay, useTimelineHandle } from "./state.ts";

const quick = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

/** What is open over a timeline. */
export function Overlays({ overlay, message }: { overlay: Overlay; message: Message | null }) {
  const { place, id, kind } = overlay;
  switch (kind) {
    case "menu":
      return message && <ActMenu message={message} x={overlay.x} y={overlay.y} />;
    case "picker":
      return <Picker id={id} x={overlay.x} y={overlay.y} />;
    case "history":
      return <HistoryDialog place={place} id={id} />;
    case "source":
      return <SourceDialog place={place} id={id} />;
    case "reactions":
      return message && <ReactionsDialog message={message} />;
    case "delete":
      return <DeleteDialog place={place} id={id} mine={message?.mine ?? true} />;
    case "report":
      return <ReportDialog place={place} id={id} />;
    case "forward":
      return <ForwardDialog place={place} id={id} />;
  }
}

/** A point of the page, as the target of what opens there. */
const point = (x: number, y: number) => <span style={{ position: "fixed", insetInlineStart: x, insetBlockStart: y, inlineSize: 1, blockSize: 1 }} />;

function Picker({ id, x, y }: { id: string; x: number; y: number }) {
  const { t } = useTranslation("timeline");
  const { place } = useTimelineHandle();
  return (
    <Popover opened onChange={(open) => !open && closeOverlay()} trapFocus returnFocus shadow="md" position="bottom">
      <Popover.Target>{point(x, y)}</Popover.Target>
      <Popover.Dropdown p={0} aria-label={t("act.react")}>
        <EmojiPicker
          onPick={(emoji) => {
            closeOverlay();
            void tell(toggleReaction(place.roomId, id, emoji), t);
          }}
        />
      </Popover.Dropdown>
    </Popover>
  );
}

function ActMenu({ message, x, y }: { message: Message; x: number; y: number }) {
  const { t } = useTranslation("timeline");
  const words = useKeyWords();
  const handle = useTimelineHandle();
  const { forwarding } = useOrganisation().policy;
  const acts = actsOn(message, handle, forwarding, t);
  // What is chosen may open something in the menu's place: so the items close the menu first, and the menu does not close by itself.
  const item = (a: Act) => (
    <Menu.Item key={a.name} aria-keyshortcuts={a.key && ariaKeys(a.key)} leftSection={<Icon name={a.icon} size={16} />} color={a.danger ? "red" : undefined} rightSection={a.key ? <kbd className={classes.kbd} aria-hidden>{words(a.key)}</kbd> : undefined} onClick={() => (closeOverlay(), a.run({ x, y }))}>
      {t(`act.${a.name}`)}
    </Menu.Item>
  );
  const react = acts.some((a) => a.name === "react");
  return (
    <Menu opened onClose={closeOverlay} closeOnItemClick={false} position="bottom-start" shadow="md" width={240} returnFocus trapFocus>
      <Menu.Target>{point(x, y)}</Menu.Target>
      <Menu.Dropdown aria-label={t("actions")}>
        {react && (
          <div className={classes.quick}>
            {quick.map((emoji) => (
              <Menu.Item key={emoji} className={classes.quickItem} aria-label={t("reactWith", { emoji })} onClick={() => (closeOverlay(), void tell(toggleReaction(handle.place.roomId, message.id, emoji), t))}>
                {emoji}
              </Menu.Item>
            ))}
          </div>
        )}
        {acts.filter((a) => !a.rare).map(item)}
        {acts.some((a) => a.rare) && <Menu.Divider />}
        {acts.filter((a) => a.rare).map(item)}
      </Menu.Dropdown>
    </Menu>
  );
}

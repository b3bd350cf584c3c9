import { UnstyledButton } from "@mantine/core";
import { Icon, type IconName } from "@/ui/Icon.tsx";
import classes from "./Panel.module.css";

interface Props {
  icon: IconName;
  label: string;
  note?: string | undefined;
  danger?: boolean;
  disabled?: boolean;
  onClick: () => void;
}

/** One thing to do, as a line of a panel. */
export function Action({ icon, label, note, danger = false, disabled = false, onClick }: Props) {
  return (
    <UnstyledButton className={classes.action} data-danger={danger ? "" : undefined} disabled={disabled} onClick={onClick}>
      <Icon name={icon} size={20} />
      <span>{label}</span>
      {note && <span className={classes.note}>{note}</span>}
    </UnstyledButton>
  );
}

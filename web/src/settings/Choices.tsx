import { SegmentedControl, Switch } from "@mantine/core";
import { useId } from "react";
import classes from "./Settings.module.css";
import { Row } from "./Section.tsx";

interface SwitchProps {
  label: string;
  text?: string;
  checked: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}

/** A setting that is on or off; its whole line is the label. */
export function SwitchRow({ label, text, checked, disabled = false, onChange }: SwitchProps) {
  return (
    <Switch
      className={classes.row}
      classNames={{ body: classes.switchBody, labelWrapper: classes.about, label: classes.switchLabel }}
      labelPosition="left"
      label={label}
      description={text}
      checked={checked}
      disabled={disabled}
      onChange={(e) => onChange(e.currentTarget.checked)}
    />
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  text?: string;
  value: T;
  options: { value: T; label: string }[];
  onChange: (value: T) => void;
}

/** A setting with two or three choices. */
export function ChoiceRow<T extends string>({ label, text, value, options, onChange }: ChoiceProps<T>) {
  const id = useId();
  return (
    <Row label={label} text={text} labelId={id}>
      <SegmentedControl aria-labelledby={id} data={options} value={value} onChange={(v) => onChange(v as T)} />
    </Row>
  );
}

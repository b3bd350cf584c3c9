import { Paper, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";
import classes from "./Settings.module.css";

/** A group of settings under a heading. */
export function Section({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={classes.section}>
      <Title order={2} size="h4" id={id}>
        {title}
      </Title>
      {text && (
        <Text size="sm" c="var(--quiet)" mt={2}>
          {text}
        </Text>
      )}
      <Paper withBorder radius="lg" mt="xs" className={classes.box}>
        {children}
      </Paper>
    </section>
  );
}

/** One setting: what it is about, and beside it what changes it; on a phone below. */
export function Row({ label, text, children, labelId }: { label: ReactNode; text?: ReactNode; children?: ReactNode; labelId?: string }) {
  return (
    <div className={classes.row}>
      <Stack gap={2} className={classes.about}>
        <Text id={labelId} fw={550}>
          {label}
        </Text>
        {text && (
          <Text size="sm" c="var(--quiet)">
            {text}
          </Text>
        )}
      </Stack>
      {children}
    </div>
  );
}

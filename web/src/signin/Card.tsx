import { Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./SignInPage.module.css";

/** A page that is one card in the middle. */
export function Card({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  return (
    <main className={classes.page}>
      <Paper className={classes.card} withBorder p="xl" radius="lg">
        <Stack>
          <Title order={1} size="h2">
            {title}
          </Title>
          {text && <Text>{text}</Text>}
          {children}
        </Stack>
      </Paper>
    </main>
  );
}

import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useOrganisation } from "@/matrix/organisation.ts";
import classes from "./SignInPage.module.css";

/** A page that is one card in the middle, below whose server this is. */
export function Card({ title, text, children }: { title: string; text?: string; children: ReactNode }) {
  const { name } = useOrganisation();
  return (
    <main className={classes.page}>
      <Group className={classes.brand} gap="sm" wrap="nowrap">
        <img src="/icon.svg" alt="" width={36} height={36} />
        <Text fw={700} size="xl" truncate>
          {name || "Conclave"}
        </Text>
      </Group>
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

import { Button, Center, Stack, Text, Title } from "@mantine/core";

interface Props {
  title: string;
  text: string;
  action?: string;
  onAction?: () => void;
}

/** A page with one thing to say and at most one thing to do. */
export function Notice({ title, text, action, onAction }: Props) {
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack maw="28rem" align="flex-start">
        <Title order={1} size="h2">
          {title}
        </Title>
        <Text c="var(--quiet)">{text}</Text>
        {action && <Button onClick={onAction}>{action}</Button>}
      </Stack>
    </Center>
  );
}

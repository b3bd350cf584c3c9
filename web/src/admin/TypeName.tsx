import { Alert, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/ui/act.ts";

interface Props {
  title: string;
  text: string;
  action: string;
  /** What must be typed before the button works. */
  name: string;
  children?: ReactNode;
  act: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before what cannot be undone: the name of what it happens to must be typed in. */
export function TypeName({ title, text, action, name, children, act, onClose }: Props) {
  const { t } = useTranslation("admin");
  const [typed, setTyped] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: React.FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      await act();
      onClose();
    } catch (err) {
      setError(errorText(err));
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ "aria-label": t("cancel") }} centered>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <Text>{text}</Text>
          {error && (
            <Alert color="red" role="alert">
              {error}
            </Alert>
          )}
          {children}
          <TextInput label={t("typeName", { name })} value={typed} autoComplete="off" autoCapitalize="none" data-autofocus onChange={(e) => setTyped(e.currentTarget.value)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" color="red" loading={busy} disabled={typed.trim() !== name}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

import { Alert, Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { WrongPassword } from "@/matrix/confirm.ts";
import { errorText } from "@/ui/act.ts";

interface Props {
  title: string;
  text: string;
  /** What the button that does it says. */
  action: string;
  danger?: boolean;
  /** More to choose or to fill in, above the password. */
  children?: ReactNode;
  ready?: boolean;
  act: (password: string) => Promise<void>;
  onClose: () => void;
}

/** Asks for the password before something that another's hand must not do. Closes when it is done. */
export function ConfirmPassword({ title, text, action, danger = false, children, ready = true, act, onClose }: Props) {
  const { t } = useTranslation("settings");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (e: React.FormEvent) => {
    e.preventDefault();
    e.stopPropagation();
    setBusy(true);
    setError("");
    try {
      await act(password);
      onClose();
    } catch (err) {
      setError(err instanceof WrongPassword ? t("wrongPassword") : errorText(err));
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
          <PasswordInput
            label={t("yourPassword")}
            autoComplete="current-password"
            required
            data-autofocus
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
            visibilityToggleButtonProps={{ "aria-label": t("showPassword"), tabIndex: 0 }}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" color={danger ? "red" : undefined} loading={busy} disabled={!ready || password === ""}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

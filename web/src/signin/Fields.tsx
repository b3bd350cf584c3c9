import { Alert, PasswordInput, type PasswordInputProps } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** A field for a password whose characters can be looked at. */
export function PasswordField(props: PasswordInputProps) {
  const { t } = useTranslation("signin");
  return <PasswordInput required visibilityToggleButtonProps={{ "aria-label": t("showPassword"), tabIndex: 0 }} {...props} />;
}

/** What went wrong; nothing for an empty text. */
export function Failure({ text }: { text: string }) {
  return text ? (
    <Alert color="red" role="alert">
      {text}
    </Alert>
  ) : null;
}

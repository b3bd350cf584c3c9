import { ActionIcon } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Page.module.css";

/** Back to the list, where the list does not stand beside the page. */
export function Back() {
  const { t } = useTranslation("rooms");
  const navigate = useNavigate();
  return (
    <ActionIcon className={classes.back} variant="subtle" color="gray" c="var(--text)" size="lg" aria-label={t("back")} onClick={() => void navigate({ to: "/" })}>
      <Icon name="back" size={22} />
    </ActionIcon>
  );
}

import type { ErrorComponentProps } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Notice } from "./Notice.tsx";

/** What is shown where a page broke: the error, and a way to go on. */
export function PageError({ error }: ErrorComponentProps) {
  const { t } = useTranslation("app");
  return <Notice title={t("broken.title")} text={`${t("broken.text")} (${error instanceof Error ? error.message : String(error)})`} action={t("broken.again")} onAction={() => location.reload()} />;
}

export function NotFound() {
  const { t } = useTranslation("app");
  return <Notice title={t("notFound.title")} text={t("notFound.text")} action={t("notFound.home")} onAction={() => location.assign("/")} />;
}

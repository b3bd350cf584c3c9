import { Loader } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { NotFound } from "@/app/PageError.tsx";
import { useAbilities } from "@/matrix/profile.ts";
import { PagesFrame, PagesLink } from "@/ui/PagesFrame.tsx";
import { pages } from "./pages.ts";

/** The own settings. */
export function SettingsPage() {
  const { t } = useTranslation("settings");
  const { page } = useParams({ strict: false });
  const admin = useAbilities().data?.admin ?? false;
  const open = pages.find((p) => p.name === (page ?? "profile"));
  if (open === undefined) return <NotFound />;
  const Page = open.page;
  return (
    <PagesFrame
      title={t("title")}
      back={t("toChats")}
      toList={t("toList")}
      base="/settings"
      pages={pages.map((p) => ({ ...p, title: t(`page.${p.name}`) }))}
      shown={open.name}
      chosen={page !== undefined}
      heading={t(`page.${open.name}`)}
      more={admin && <PagesLink to="/admin" icon="building" title={t("admin")} />}
    >
      <Suspense fallback={<Loader role="status" aria-label={t("loading")} />}>
        <Page />
      </Suspense>
    </PagesFrame>
  );
}

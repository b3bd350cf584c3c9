import { Center, Loader } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Notice } from "@/app/Notice.tsx";
import { NotFound } from "@/app/PageError.tsx";
import { useAbilities } from "@/matrix/profile.ts";
import { PagesFrame, PagesLink } from "@/ui/PagesFrame.tsx";
import { pages } from "./pages.ts";
import { useCompliance } from "./useCompliance.ts";

/** The administrators' console; others are told that it is not theirs. */
export function AdminPage() {
  const { t } = useTranslation("admin");
  const { page, item } = useParams({ strict: false });
  const abilities = useAbilities();
  const compliance = useCompliance(abilities.data?.admin === true);
  const name = page ?? pages[0]?.name ?? "";
  const open = pages.find((p) => p.name === name);
  if (abilities.isPending) {
    return (
      <Center h="100dvh">
        <Loader role="status" aria-label={t("loading")} />
      </Center>
    );
  }
  if (!abilities.data?.admin) return <Notice title={t("refused.title")} text={t("refused.text")} action={t("refused.home")} onAction={() => location.assign("/")} />;
  if (open === undefined || (item !== undefined && open.item === undefined)) return <NotFound />;
  const Page = open.page;
  const Item = open.item;
  const above = item !== undefined ? name : open.under;
  return (
    <PagesFrame
      title={t("title")}
      back={t("toChats")}
      toList={t("toList")}
      base="/admin"
      pages={pages.filter((p) => p.under === undefined && (compliance || !p.compliance)).map((p) => ({ ...p, title: t(`page.${p.name}`) }))}
      shown={open.under ?? name}
      chosen={page !== undefined}
      heading={item ?? t(`page.${name}`)}
      above={above === undefined ? undefined : { href: `/admin/${above}`, label: t("toPage", { page: t(`page.${above}`) }) }}
      more={<PagesLink to="/settings" icon="person" title={t("ownSettings")} />}
      wide
    >
      <Suspense fallback={<Loader role="status" aria-label={t("loading")} />}>{item !== undefined && Item ? <Item id={item} key={item} /> : <Page />}</Suspense>
    </PagesFrame>
  );
}

import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useAct } from "@/ui/act.ts";
import { Icon } from "@/ui/Icon.tsx";
import { downloadCsv, type Query } from "./api.ts";

/** Saves the whole list, filtered and sorted as it is shown. */
export function CsvButton({ path, query }: { path: string; query: Query }) {
  const { t } = useTranslation("admin");
  const { busy, act } = useAct();
  return (
    <Button variant="default" loading={busy} leftSection={<Icon name="download" size={18} />} onClick={() => void act(() => downloadCsv(path, query))}>
      {t("list.csv")}
    </Button>
  );
}

import { Title } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import type { PanelProps } from "@/app/panels.ts";
import { useOpenHit } from "./open.ts";
import { SearchView } from "./SearchView.tsx";
import classes from "./Search.module.css";

/** Search beside a room. */
export function SearchPanel({ roomId }: PanelProps) {
  const { t } = useTranslation("search");
  const navigate = useNavigate();
  const open = useOpenHit();
  return (
    <div style={{ display: "grid", gridTemplateRows: "auto minmax(0, 1fr)", blockSize: "100%" }}>
      <Title order={2} size="h4" px="md" pt="md" className={classes.title}>
        {t("title")}
      </Title>
      <SearchView roomId={roomId} onOpen={open} onClose={() => void navigate({ to: "/room/$roomId", params: { roomId }, search: {} })} />
    </div>
  );
}

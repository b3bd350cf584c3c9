import { Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Back } from "@/rooms/Back.tsx";
import { useOpenHit } from "./open.ts";
import { SearchView } from "./SearchView.tsx";
import classes from "./Search.module.css";

/** Search in all rooms. */
export function SearchPage() {
  const { t } = useTranslation("search");
  const open = useOpenHit();
  return (
    <main className={classes.page}>
      <header className={classes.pageHead}>
        <Back />
        <Title order={1} size="h4">
          {t("everywhere")}
        </Title>
      </header>
      <div className={classes.pageBody}>
        <SearchView roomId={null} onOpen={open} />
      </div>
    </main>
  );
}

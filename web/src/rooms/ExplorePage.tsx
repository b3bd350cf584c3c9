import { Button, Loader, Text, TextInput, Title } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { publicRooms } from "@/matrix/directory.ts";
import { errorText } from "@/ui/act.ts";
import { Back } from "./Back.tsx";
import { Icon } from "@/ui/Icon.tsx";
import { OutsideCard } from "./OutsideCard.tsx";
import { openDialog } from "./state.ts";
import classes from "./Page.module.css";

/** The organisation's public rooms. */
export function ExplorePage() {
  const { t } = useTranslation("rooms");
  const [words, setWords] = useState("");
  const [settled] = useDebouncedValue(words, 200);
  const { data, error, isFetching, hasNextPage, fetchNextPage } = useInfiniteQuery({
    queryKey: ["public-rooms", settled],
    queryFn: ({ pageParam }) => publicRooms(settled, pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const rooms = data?.pages.flatMap((p) => p.rooms) ?? [];
  return (
    <main className={classes.page}>
      <div className={classes.head}>
        <Back />
        <Title order={1} size="h4" flex={1}>
          {t("explore.title")}
        </Title>
        <Button variant="default" size="xs" leftSection={<Icon name="link" size={16} />} onClick={() => openDialog({ kind: "join", text: "" })}>
          {t("join.title")}
        </Button>
      </div>
      <div className={classes.body}>
        <TextInput type="search" label={t("explore.search")} leftSection={<Icon name="search" size={16} />} value={words} onChange={(e) => setWords(e.currentTarget.value)} />
        {error && (
          <Text role="alert" c="var(--mention)">
            {errorText(error)}
          </Text>
        )}
        <ul className={classes.list} aria-label={t("explore.title")} aria-busy={isFetching}>
          {rooms.map((r) => (
            <li key={r.id}>
              <OutsideCard room={{ ...r, joinRule: r.joinRule || "public" }} />
            </li>
          ))}
        </ul>
        {isFetching && <Loader role="status" size="sm" aria-label={t("loading")} />}
        {!isFetching && rooms.length === 0 && !error && <Text c="var(--quiet)">{settled.trim() ? t("noneFound") : t("explore.none")}</Text>}
        {hasNextPage && (
          <Button variant="default" loading={isFetching} onClick={() => void fetchNextPage()}>
            {t("explore.more")}
          </Button>
        )}
      </div>
    </main>
  );
}

import { Button, CloseButton, Loader, SegmentedControl, Text, TextInput } from "@mantine/core";
import { type KeyboardEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { pressed } from "@/keyboard/shortcuts.ts";
import { Icon } from "@/ui/Icon.tsx";
import { Filters } from "./Filters.tsx";
import type { Hit } from "./index.ts";
import { Hints } from "./Hints.tsx";
import { ProgressLine } from "./ProgressLine.tsx";
import { Result } from "./Result.tsx";
import { startSearch, useSearch } from "./service.ts";
import { useSearchView } from "./state.ts";
import { useResults } from "./useResults.ts";
import classes from "./Search.module.css";

interface Props {
  roomId: string | null; // null: all rooms, and no choice
  onOpen: (hit: Hit) => void;
  onClose?: () => void;
}

/** The field, its filters, and what was found. */
export function SearchView({ roomId, onOpen, onClose }: Props) {
  const { t } = useTranslation("search");
  const { text, scope } = useSearchView();
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const here = roomId !== null && scope === "room" ? roomId : null;
  const { hits, atoms, more, busy, showMore } = useResults(here);
  useEffect(() => void startSearch(), []);
  useEffect(() => field.current?.select(), []);
  const set = (value: string) => useSearchView.setState({ text: value });

  const onFieldKey = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return;
    if (pressed(e, "clearSearch")) {
      if (text !== "") set("");
      else onClose?.();
    } else if (pressed(e, "toResults")) {
      e.preventDefault();
      list.current?.querySelector("button")?.focus();
    }
  };
  const onListKey = (e: KeyboardEvent) => {
    if (!pressed(e, "walkResults")) return;
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.findIndex((b) => b === document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[e.key];
    if (to === undefined || at < 0) return;
    e.preventDefault();
    if (to < 0) field.current?.focus();
    else buttons[Math.min(to, buttons.length - 1)]?.focus();
  };

  return (
    <div className={classes.search} role="search">
      <div className={classes.head}>
        <TextInput
          ref={field}
          type="search"
          data-autofocus
          autoFocus
          data-search-field
          aria-label={t("field")}
          placeholder={t("field")}
          leftSection={<Icon name="search" size={18} />}
          rightSection={text ? <CloseButton size="sm" aria-label={t("clear")} onClick={() => (set(""), field.current?.focus())} /> : null}
          value={text}
          onChange={(e) => set(e.currentTarget.value)}
          onKeyDown={onFieldKey}
        />
        {roomId !== null && (
          <SegmentedControl
            size="xs"
            aria-label={t("scope.label")}
            value={scope}
            onChange={(v) => useSearchView.setState({ scope: v as "room" | "all" })}
            data={[
              { value: "room", label: t("scope.room") },
              { value: "all", label: t("scope.all") },
            ]}
          />
        )}
        <Filters roomId={here} />
      </div>
      <div className={classes.scroll}>
        <Outcome hits={hits} busy={busy} more={more} typed={text.trim() !== ""} />
        <ol ref={list} className={classes.results} aria-label={t("results")} onKeyDown={onListKey}>
          {hits?.map((h) => (
            <li key={`${h.roomId} ${h.id}`}>
              <Result hit={h} atoms={atoms} withRoom={here === null} onOpen={onOpen} />
            </li>
          ))}
        </ol>
        {more && (
          <Button m="md" variant="light" loading={busy} onClick={showMore}>
            {t("more")}
          </Button>
        )}
      </div>
      <ProgressLine />
    </div>
  );
}

function Outcome({ hits, busy, more, typed }: { hits: Hit[] | null; busy: boolean; more: boolean; typed: boolean }) {
  const { t } = useTranslation("search");
  const phase = useSearch((s) => s.phase);
  const on = useSearch((s) => s.wishes.on);
  const words = !typed || hits === null ? "" : hits.length === 0 ? t("none") : more ? t("atLeast", { count: hits.length }) : t("count", { count: hits.length });
  if (!on) return <Text p="md" c="var(--quiet)">{t("off")}</Text>;
  if (phase === "failed") return <Text p="md" role="alert" c="var(--mention)">{t("failed")}</Text>;
  return (
    <>
      <Text role="status" size="sm" c="var(--quiet)" px="md" py={words === "" ? 0 : "xs"}>
        {words}
      </Text>
      {!typed && <Hints />}
      {typed && hits === null && (busy || phase === "starting") && <Loader size="sm" m="md" aria-label={t("searching")} />}
    </>
  );
}

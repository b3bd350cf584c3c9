import { Select, TextInput, UnstyledButton } from "@mantine/core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { searchedPeople } from "@/matrix/searchNames.ts";
import { dayOf, filterValues, type FilterName, withFilter } from "./query.ts";
import { useSearchView } from "./state.ts";
import classes from "./Search.module.css";

const kinds = ["file", "image", "link"] as const;

/** Buttons and fields for what can be typed too: each of them changes the words in the field. */
export function Filters({ roomId }: { roomId: string | null }) {
  const { t } = useTranslation("search");
  const text = useSearchView((s) => s.text);
  const [open, setOpen] = useState(false);
  const set = (name: FilterName, values: string[]) => useSearchView.setState({ text: withFilter(text, name, values) });
  const has = filterValues(text, "has").map((v) => v.toLowerCase());
  return (
    <>
      <div className={classes.chips} role="group" aria-label={t("filter.label")}>
        {kinds.map((k) => {
          const on = has.includes(k);
          return (
            <UnstyledButton key={k} className={classes.chip} aria-pressed={on} onClick={() => set("has", on ? has.filter((h) => h !== k) : [...has, k])}>
              {t(`filter.${k}`)}
            </UnstyledButton>
          );
        })}
        <UnstyledButton className={classes.chip} aria-expanded={open} onClick={() => setOpen(!open)}>
          {t("filter.more")}
        </UnstyledButton>
      </div>
      {open && <Fields roomId={roomId} text={text} set={set} />}
    </>
  );
}

function Fields({ roomId, text, set }: { roomId: string | null; text: string; set: (name: FilterName, values: string[]) => void }) {
  const { t, i18n } = useTranslation("search");
  const order = useSearchView((s) => s.order);
  const people = useMemo(
    () => searchedPeople(roomId).map((p) => ({ value: p.id, label: p.names[0] ?? p.id })).sort((a, b) => a.label.localeCompare(b.label, i18n.language)),
    [roomId, i18n.language],
  );
  const from = filterValues(text, "from");
  const day = (name: "after" | "before") => {
    const start = dayOf(filterValues(text, name)[0] ?? "");
    return start === null ? "" : new Date(start - new Date(start).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
  };
  return (
    <div className={classes.fields}>
      <Select
        className={classes.wide ?? ""}
        size="sm"
        label={t("filter.from")}
        placeholder={t("filter.anybody")}
        searchable
        clearable
        clearButtonProps={{ "aria-label": t("filter.anybody") }}
        limit={50}
        data={people}
        value={from.length === 1 && people.some((p) => p.value === from[0]) ? (from[0] ?? null) : null}
        onChange={(v) => set("from", v === null ? [] : [v])}
      />
      {(["after", "before"] as const).map((name) => (
        <TextInput key={name} type="date" size="sm" label={t(`filter.${name}`)} value={day(name)} onChange={(e) => set(name, e.currentTarget.value === "" ? [] : [e.currentTarget.value])} />
      ))}
      <Select
        className={classes.wide ?? ""}
        size="sm"
        label={t("filter.order")}
        allowDeselect={false}
        data={(["newest", "best"] as const).map((value) => ({ value, label: t(`filter.${value}`) }))}
        value={order}
        onChange={(v) => v !== null && useSearchView.setState({ order: v as "newest" | "best" })}
      />
    </div>
  );
}

import { MultiSelect } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Admin.module.css";
import { list, type Person } from "./api.ts";

/** Chooses people by what they are called. */
export function PeoplePick({ label, value, onChange }: { label: string; value: string[]; onChange: (ids: string[]) => void }) {
  const { t } = useTranslation("admin");
  const [words, setWords] = useState("");
  const [search] = useDebouncedValue(words.trim(), 200);
  const [names, setNames] = useState<Record<string, string>>({});
  const found = useQuery({
    queryKey: ["admin", "people", "pick", search],
    queryFn: ({ signal }) => list<Person>("people", { search, limit: 20, order: "name" }, signal),
    placeholderData: keepPreviousData,
    staleTime: 0,
  });
  const shown = (found.data?.items ?? []).filter((p) => !p.deactivated);
  const option = (id: string, name: string) => ({ value: id, label: name === "" || name === id ? id : `${name} (${id})` });
  const data = [...value.filter((id) => !shown.some((p) => p.user_id === id)).map((id) => option(id, names[id] ?? "")), ...shown.map((p) => option(p.user_id, p.display_name))];
  return (
    <MultiSelect
      className={classes.grow ?? ""}
      label={label}
      placeholder={value.length === 0 ? t("people.searchText") : ""}
      searchable
      hidePickedOptions
      nothingFoundMessage={t("people.none")}
      data={data}
      filter={({ options }) => options}
      searchValue={words}
      onSearchChange={setWords}
      value={value}
      onChange={(ids) => {
        setNames((was) => ({ ...was, ...Object.fromEntries(shown.map((p) => [p.user_id, p.display_name])) }));
        setWords("");
        onChange(ids);
      }}
    />
  );
}

import { Loader, Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { list, type Person } from "./api.ts";
import type { RoomItem } from "./api-rooms.ts";

interface Props {
  what: "people" | "rooms";
  label: string;
  description: string;
  value: string;
  onChange: (id: string) => void;
}

interface Option {
  value: string;
  label: string;
}

/** Finds a person or a room by words of its name, on the server. */
export function Finder({ what, label, description, value, onChange }: Props) {
  const { t } = useTranslation("admin");
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState<Option | null>(null);
  const [search] = useDebouncedValue(words === chosen?.label ? "" : words.trim(), 250);
  const found = useQuery({
    queryKey: ["admin", what, "find", search],
    queryFn: async ({ signal }): Promise<Option[]> => {
      const query = { search, limit: 20 };
      if (what === "people") {
        const page = await list<Person>("people", query, signal);
        return page.items.map((p) => ({ value: p.user_id, label: p.display_name ? `${p.display_name} (${p.user_id})` : p.user_id }));
      }
      const page = await list<RoomItem>("rooms", query, signal);
      return page.items.map((r) => ({ value: r.room_id, label: r.name ? `${r.name} (${r.alias || r.room_id})` : r.room_id }));
    },
    placeholderData: keepPreviousData,
  });
  const options = found.data ?? [];
  return (
    <Select
      label={label}
      description={description}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("holds.clear", { what: label }) }}
      nothingFoundMessage={found.isPending ? t("loading") : t("holds.nothingFound")}
      rightSection={found.isFetching ? <Loader size="xs" /> : undefined}
      filter={({ options: all }) => all}
      data={chosen && !options.some((o) => o.value === chosen.value) ? [chosen, ...options] : options}
      value={value === "" ? null : value}
      searchValue={words}
      onSearchChange={setWords}
      onChange={(id, option) => {
        setChosen(id === null ? null : option);
        onChange(id ?? "");
      }}
    />
  );
}

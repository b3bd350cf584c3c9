import { Loader, Pill, PillsInput, Text, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { isUserId, localpart, type Person, recentPeople, searchPeople } from "@/matrix/people.ts";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { Face } from "./Face.tsx";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Dialogs.module.css";

interface Props {
  chosen: readonly Person[];
  onChange: (people: Person[]) => void;
  /** People who are not offered: they are there already. */
  without?: ReadonlySet<string>;
}

/** People of the organisation as they are typed; before that, those one talks to. */
export function usePeople(term: string): { people: Person[]; loading: boolean } {
  const [settled] = useDebouncedValue(term.trim(), 150);
  const { data, isFetching } = useQuery({
    queryKey: ["people", settled],
    queryFn: async () => {
      if (settled === "") {
        const recent = recentPeople();
        const all = await searchPeople("", 30).catch(() => []);
        return [...recent, ...all.filter((p) => !recent.some((r) => r.id === p.id))];
      }
      const found = await searchPeople(settled);
      return isUserId(settled) && !found.some((p) => p.id === settled) ? [{ id: settled, name: localpart(settled), avatar: null }, ...found] : found;
    },
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  });
  return { people: data ?? [], loading: isFetching };
}

/** Chooses people by name. */
export function PeoplePicker({ chosen, onChange, without }: Props) {
  const { t } = useTranslation("rooms");
  const [term, setTerm] = useState("");
  const { people, loading } = usePeople(term);
  const shown = people.filter((p) => !without?.has(p.id));
  const has = (p: Person) => chosen.some((c) => c.id === p.id);
  const toggle = (p: Person) => {
    onChange(has(p) ? chosen.filter((c) => c.id !== p.id) : [...chosen, p]);
    setTerm("");
  };
  return (
    <div>
      <PillsInput label={t("people.label")}>
        <Pill.Group>
          {chosen.map((p) => (
            <Pill key={p.id} withRemoveButton onRemove={() => toggle(p)} removeButtonProps={{ "aria-label": t("people.remove", { name: p.name }), tabIndex: 0 }}>
              {p.name}
            </Pill>
          ))}
          <PillsInput.Field
            data-autofocus
            autoComplete="off"
            aria-label={t("people.label")}
            placeholder={chosen.length === 0 ? t("people.hint") : ""}
            value={term}
            onChange={(e) => setTerm(e.currentTarget.value)}
            onKeyDown={(e) => {
              const first = shown.find((p) => !has(p));
              if (e.key === "Enter" && term.trim() !== "" && first) {
                e.preventDefault();
                toggle(first);
              } else if (e.key === "Backspace" && term === "" && chosen.length > 0) {
                onChange(chosen.slice(0, -1));
              }
            }}
          />
          {loading && <Loader size={16} />}
        </Pill.Group>
      </PillsInput>
      <ul className={classes.results} aria-label={t("people.found")}>
        {shown.map((p) => (
          <li key={p.id}>
            <UnstyledButton className={classes.result} aria-pressed={has(p)} onClick={() => toggle(p)}>
              <Face userId={p.id} name={p.name} mxc={p.avatar} size={36} />
              <span style={{ minInlineSize: 0 }}>
                <Text truncate fw={550} size="sm">
                  {p.name} <ExternalMark userId={p.id} />
                </Text>
                <Text truncate size="xs" c="var(--quiet)">
                  {p.id}
                </Text>
              </span>
              {has(p) && <Icon name="check" />}
            </UnstyledButton>
          </li>
        ))}
        {shown.length === 0 && !loading && (
          <Text component="li" c="var(--quiet)" size="sm" p="xs">
            {term.trim() ? t("people.none") : t("people.nobody")}
          </Text>
        )}
      </ul>
    </div>
  );
}

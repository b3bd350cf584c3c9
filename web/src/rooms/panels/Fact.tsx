import { Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { type Changers, type Setting, useChangers } from "@/matrix/changers.ts";
import type { Powers } from "@/matrix/members.ts";
import classes from "./Panel.module.css";

/** A setting that the user cannot change: what it is, to be read. */
export function Fact({ label, children, help }: { label: string; children: ReactNode; help?: string | undefined }) {
  return (
    <dl className={classes.fact}>
      <dt>{label}</dt>
      <dd>{children}</dd>
      {help && <dd className={classes.help}>{help}</dd>}
    </dl>
  );
}

const named = 3;

/** Who may change what the user may not. */
export function WhoMay({ roomId, powers, of }: { roomId: string; powers: Powers; of: readonly Setting[] }) {
  const locked = of.filter((s) => !powers[s]);
  const changers = useChangers(roomId, locked);
  if (locked.length === 0) return null;
  return (
    <Stack gap={6} className={classes.who}>
      {changers.map((c) => (
        <Sentence key={c.settings.join()} changers={c} />
      ))}
    </Stack>
  );
}

function Sentence({ changers: { settings, role, names } }: { changers: Changers }) {
  const { t, i18n } = useTranslation("rooms");
  const list = (type: "conjunction" | "disjunction", words: string[]) => new Intl.ListFormat(i18n.language, { type }).format(words);
  const what = list("conjunction", settings.map((s) => t(`who.${s}`)));
  const more = names.length - named;
  const people = list("disjunction", more > 0 ? [...names.slice(0, named), t("who.more", { count: more })] : names);
  return <Text size="sm">{names.length === 0 ? t("who.nobody", { what, role: t(`who.${role}s`) }) : t("who.may", { what, role: t(`who.${role}s`), people })}</Text>;
}

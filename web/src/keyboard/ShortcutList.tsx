import { Text, Title } from "@mantine/core";
import { useId } from "react";
import { useTranslation } from "react-i18next";
import { usePreferences } from "@/matrix/preferences.ts";
import classes from "./Keys.module.css";
import { Keys } from "./Keys.tsx";
import { groups, keysOf, names, type Shortcut, shortcuts } from "./shortcuts.ts";

/** All shortcuts, by the place where they work. */
export function ShortcutList({ order }: { order: 2 | 3 }) {
  return (
    <div className={classes.list}>
      {groups.map((g) => (
        <ShortcutGroup key={g} group={g} order={order} />
      ))}
    </div>
  );
}

/** The shortcuts of one place. */
export function ShortcutGroup({ group, order }: { group: Shortcut["group"]; order: 2 | 3 }) {
  const { t } = useTranslation("keyboard");
  const { sendWith } = usePreferences();
  const id = useId();
  return (
    <section className={classes.group} aria-labelledby={id}>
      <Title order={order} size="h5" id={id}>
        {t(`group.${group}`)}
      </Title>
      <dl className={classes.rows}>
        {names
          .filter((n) => shortcuts[n].group === group)
          .map((n) => (
            <div key={n} className={classes.row}>
              <Text component="dt" size="sm">
                {t(`name.${n}`)}
              </Text>
              <dd>
                {keysOf(n, sendWith).map((k) => (
                  <Keys key={k} combination={k} />
                ))}
              </dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

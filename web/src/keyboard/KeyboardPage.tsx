import { Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Keys } from "./Keys.tsx";
import { ShortcutList } from "./ShortcutList.tsx";
import { keysOf } from "./shortcuts.ts";

/** The keys of the app among the settings. */
export function KeyboardPage() {
  const { t } = useTranslation("keyboard");
  return (
    <>
      <Text c="var(--quiet)" mb="lg">
        {t("text")} <Keys combination={keysOf("shortcuts")[0] ?? ""} />
      </Text>
      <ShortcutList order={2} />
    </>
  );
}

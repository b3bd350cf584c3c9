import { Badge } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { PersonState } from "./api.ts";

const colors: Record<PersonState, string> = { active: "teal", locked: "orange", suspended: "orange", deactivated: "gray" };

export function StateBadge({ state }: { state: PersonState }) {
  const { t } = useTranslation("admin");
  return (
    <Badge variant="light" color={colors[state]}>
      {t(`state.${state}`)}
    </Badge>
  );
}

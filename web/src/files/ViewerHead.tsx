import { ActionIcon, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Lightbox.module.css";

interface Props {
  name: string;
  note: string;
  saving?: boolean;
  onSave: () => void;
  onClose: () => void;
  /** What can be done with what is shown. */
  children?: ReactNode;
}

/** The line above what is shown as large as the window. */
export function ViewerHead({ name, note, saving = false, onSave, onClose, children }: Props) {
  const { t } = useTranslation("files");
  return (
    <header className={classes.head}>
      <div className={classes.title}>
        <Text fw={650} truncate>
          {name}
        </Text>
        {note !== "" && (
          <Text size="sm" c="var(--quiet)" truncate>
            {note}
          </Text>
        )}
      </div>
      <Group gap="xs" wrap="nowrap" className={classes.tools}>
        {children}
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("download", { name })} loading={saving} onClick={onSave}>
          <Icon name="download" size={20} />
        </ActionIcon>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("lightbox.close")} onClick={onClose} data-autofocus>
          <Icon name="close" size={20} />
        </ActionIcon>
      </Group>
    </header>
  );
}

/** Makes what is shown smaller or larger. */
export function ZoomButtons({ least, most, onStep }: { least: boolean; most: boolean; onStep: (by: 1 | -1) => void }) {
  const { t } = useTranslation("files");
  return (
    <>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("lightbox.zoomOut")} disabled={least} onClick={() => onStep(-1)}>
        <Icon name="zoomOut" size={20} />
      </ActionIcon>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("lightbox.zoomIn")} disabled={most} onClick={() => onStep(1)}>
        <Icon name="zoomIn" size={20} />
      </ActionIcon>
    </>
  );
}

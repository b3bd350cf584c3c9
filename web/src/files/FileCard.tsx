import { ActionIcon, CloseButton, Progress, Text, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import type { FileInfo } from "@/matrix/file.ts";
import classes from "./files.module.css";
import { FileIcon } from "./FileIcon.tsx";
import { formatBytes } from "./format.ts";
import { useDownload } from "./useDownload.ts";

interface Props {
  file: FileInfo;
  /** Why it is not shown. */
  note?: string;
  /** Shows it. */
  onOpen?: (() => void) | undefined;
}

/** A file's name, size and download. */
export function FileCard({ file, note = "", onOpen }: Props) {
  const { t, i18n } = useTranslation("files");
  const download = useDownload(file);
  const error = download.error || note;
  const name = (
    <Text size="sm" fw={600} truncate title={file.name}>
      {file.name}
    </Text>
  );
  return (
    <div className={classes.card} role="group" aria-label={file.name}>
      <FileIcon mime={file.mime} />
      <div className={classes.cardText}>
        {onOpen ? (
          <UnstyledButton className={classes.cardOpen} aria-label={t("open", { name: file.name })} onClick={onOpen}>
            {name}
          </UnstyledButton>
        ) : (
          name
        )}
        {download.progress !== null ? (
          <Progress value={download.progress * 100} size="xs" mt={6} aria-label={t("downloading", { name: file.name })} />
        ) : error !== "" ? (
          <Text size="xs" c="var(--mention)" role="alert">
            {t(error)}
          </Text>
        ) : (
          <Text size="xs" c="var(--quiet)">
            {file.size === null ? t("unknownSize") : formatBytes(file.size, i18n.language)}
          </Text>
        )}
      </div>
      {download.progress === null ? (
        <ActionIcon variant="subtle" color="gray" aria-label={t("download", { name: file.name })} onClick={() => void download.save()}>
          <Icon name="download" size={20} />
        </ActionIcon>
      ) : (
        <CloseButton aria-label={t("cancel", { name: file.name })} onClick={download.cancel} />
      )}
    </div>
  );
}

import { ActionIcon, CloseButton, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import type { FileInfo } from "@/matrix/file.ts";
import classes from "./files.module.css";
import { FileIcon } from "./FileIcon.tsx";
import { formatBytes } from "./format.ts";
import { useDownload } from "./useDownload.ts";

/** A file's name, size and download. `note` says why it is not shown. */
export function FileCard({ file, note = "" }: { file: FileInfo; note?: string }) {
  const { t, i18n } = useTranslation("files");
  const download = useDownload(file);
  const error = download.error || note;
  return (
    <div className={classes.card} role="group" aria-label={file.name}>
      <FileIcon mime={file.mime} />
      <div className={classes.cardText}>
        <Text size="sm" fw={600} truncate title={file.name}>
          {file.name}
        </Text>
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

import { Center, Modal, Progress, Stack, Text } from "@mantine/core";
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { FileInfo } from "@/matrix/file.ts";
import { saveBlob } from "@/matrix/media.ts";
import { formatBytes } from "./format.ts";
import classes from "./Lightbox.module.css";
import type { Preview } from "./preview.ts";
import { TextView } from "./TextView.tsx";
import { useDownload } from "./useDownload.ts";
import { ViewerHead } from "./ViewerHead.tsx";

const PdfView = lazy(async () => ({ default: (await import("./PdfView.tsx")).PdfView }));

/** Shows a document as large as the window. */
export function DocumentViewer({ file, kind, onClose }: { file: FileInfo; kind: Preview; onClose: () => void }) {
  const { t, i18n } = useTranslation("files");
  const download = useDownload(file);
  const [content, setContent] = useState<Blob>();
  const load = useRef(download.content);
  useEffect(() => {
    let gone = false;
    void load.current().then((blob) => !gone && setContent(blob));
    return () => {
      gone = true;
    };
  }, []);
  const head = (tools?: ReactNode) => (
    <ViewerHead
      name={file.name}
      note={file.size === null ? "" : formatBytes(file.size, i18n.language)}
      saving={download.progress !== null}
      onSave={() => (content ? saveBlob(content, file.name) : void download.save())}
      onClose={onClose}
    >
      {tools}
    </ViewerHead>
  );
  const wait = (
    <>
      {head()}
      <Center flex={1} p="md">
        {download.error !== "" ? (
          <Text role="alert">{t(download.error)}</Text>
        ) : (
          <Stack w="min(20rem, 100%)" gap="xs">
            <Progress value={(download.progress ?? 1) * 100} animated aria-label={t("downloading", { name: file.name })} />
          </Stack>
        )}
      </Center>
    </>
  );
  return (
    <Modal.Root opened onClose={onClose} fullScreen>
      <Modal.Overlay />
      <Modal.Content className={classes.content} aria-label={file.name}>
        {content === undefined ? wait : kind === "text" ? <TextView content={content} name={file.name} head={head} /> : <Suspense fallback={wait}><PdfView content={content} name={file.name} head={head} /></Suspense>}
      </Modal.Content>
    </Modal.Root>
  );
}

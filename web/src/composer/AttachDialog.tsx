import { Alert, Button, Checkbox, CloseButton, FileButton, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { FileIcon } from "@/files/FileIcon.tsx";
import { formatBytes } from "@/files/format.ts";
import { uploadLimit } from "@/matrix/upload.ts";
import { startUpload } from "@/matrix/uploadQueue.ts";
import classes from "./Composer.module.css";
import { isPicture, prepare } from "./prepare.ts";
import { clearIntent, type Intent, type Place } from "./state.ts";

interface Item {
  id: number;
  file: File;
  caption: string;
  asFile: boolean;
}

interface Props {
  place: Place;
  intent: Intent | undefined;
  files: File[];
  onClose: () => void;
}

let last = 0;
const item = (file: File): Item => ({ id: ++last, file, caption: "", asFile: false });

/** Shows what is about to be sent, before anything leaves this device. */
export function AttachDialog({ place, intent, files, onClose }: Props) {
  const { t, i18n } = useTranslation("composer");
  const [items, setItems] = useState(() => files.map(item));
  const { data: limit } = useQuery({ queryKey: ["upload limit"], queryFn: uploadLimit });
  const tooLarge = (f: File) => typeof limit === "number" && f.size > limit;
  const change = (id: number, part: Partial<Item>) => setItems((all) => all.map((i) => (i.id === id ? { ...i, ...part } : i)));
  const remove = (id: number) => {
    const rest = items.filter((i) => i.id !== id);
    if (rest.length === 0) onClose();
    else setItems(rest);
  };
  const send = () => {
    items.forEach(({ file, caption, asFile }, n) => {
      const replyTo = n === 0 && intent?.kind === "reply" ? intent.eventId : null;
      startUpload({ roomId: place.roomId, threadId: place.threadId }, file.name || "file", file.size, () => prepare(file, caption.trim(), asFile), replyTo);
    });
    if (intent?.kind === "reply") clearIntent(place);
    onClose();
  };
  const bad = items.filter((i) => tooLarge(i.file)).length;
  return (
    <Modal opened onClose={onClose} title={t("attach.title", { count: items.length })} closeButtonProps={{ "aria-label": t("close") }} size="lg" centered>
      <form onSubmit={(e) => (e.preventDefault(), bad === 0 && send())}>
        <Stack>
          <ul className={classes.items}>
            {items.map((i) => (
              <li key={i.id} className={classes.item}>
                <Preview file={i.file} />
                <Stack gap={4} className={classes.itemText}>
                  <Group gap="xs" wrap="nowrap" justify="space-between">
                    <Text size="sm" fw={650} truncate>
                      {i.file.name || "file"}
                    </Text>
                    <Text size="xs" c="var(--quiet)" style={{ whiteSpace: "nowrap" }}>
                      {formatBytes(i.file.size, i18n.language)}
                    </Text>
                  </Group>
                  {tooLarge(i.file) ? (
                    <Text size="sm" c="var(--mention)" role="alert">
                      {t("attach.tooLarge", { limit: formatBytes(limit as number, i18n.language) })}
                    </Text>
                  ) : (
                    <>
                      <TextInput size="sm" aria-label={t("attach.caption", { name: i.file.name })} placeholder={t("attach.captionHint")} value={i.caption} onChange={(e) => change(i.id, { caption: e.currentTarget.value })} />
                      {isPicture(i.file) && <Checkbox size="xs" label={t("attach.asFile")} checked={i.asFile} onChange={(e) => change(i.id, { asFile: e.currentTarget.checked })} />}
                    </>
                  )}
                </Stack>
                <CloseButton aria-label={t("attach.remove", { name: i.file.name })} onClick={() => remove(i.id)} />
              </li>
            ))}
          </ul>
          {items.some((i) => i.asFile) && (
            <Alert color="yellow" p="xs">
              {t("attach.asFileNote")}
            </Alert>
          )}
          <Group justify="space-between">
            <FileButton multiple onChange={(more) => setItems((all) => [...all, ...more.map(item)])}>
              {(props) => (
                <Button variant="subtle" {...props}>
                  {t("attach.more")}
                </Button>
              )}
            </FileButton>
            <Group>
              <Button variant="default" onClick={onClose}>
                {t("cancel")}
              </Button>
              <Button type="submit" disabled={bad > 0} data-autofocus>
                {t("attach.send", { count: items.length })}
              </Button>
            </Group>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Preview({ file }: { file: File }) {
  const [url, setUrl] = useState<string>();
  const picture = isPicture(file);
  useEffect(() => {
    if (!picture) return undefined;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file, picture]);
  return <div className={classes.preview}>{url ? <img src={url} alt="" /> : <FileIcon mime={file.type} />}</div>;
}

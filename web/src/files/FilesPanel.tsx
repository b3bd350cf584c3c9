import { Button, Group, Loader, SegmentedControl, Select, Stack, Text, TextInput, Title, UnstyledButton } from "@mantine/core";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PanelProps } from "@/app/panels.ts";
import { type RoomFile, useRoomFiles } from "@/matrix/fileGallery.ts";
import { previewUrl, safeType, useBlobUrl } from "@/matrix/media.ts";
import { Icon } from "@/ui/Icon.tsx";
import { formatter } from "@/ui/when.ts";
import { FileBody } from "./FileBody.tsx";
import classes from "./FilesPanel.module.css";

const Lightbox = lazy(async () => ({ default: (await import("./Lightbox.tsx")).Lightbox }));

const isVisual = ({ file }: RoomFile): boolean => (file.kind === "image" || file.kind === "video") && safeType(file.mime) !== null;

/** All pictures, films and other files of a room. */
export function FilesPanel({ roomId }: PanelProps) {
  const { t, i18n } = useTranslation("files");
  const { files, more, loading, done, error } = useRoomFiles(roomId);
  const [kind, setKind] = useState("media");
  const [name, setName] = useState("");
  const [sender, setSender] = useState<string | null>(null);
  const [opened, setOpened] = useState<RoomFile | null>(null);
  const senders = [...new Map(files.map((f) => [f.senderId, f.sender])).entries()].map(([value, label]) => ({ value, label }));
  const wanted = name.trim().toLocaleLowerCase();
  const found = files.filter(
    (f) => isVisual(f) === (kind === "media") && (sender === null || f.senderId === sender) && (wanted === "" || `${f.file.name} ${f.file.caption}`.toLocaleLowerCase().includes(wanted)),
  );
  const date = formatter(i18n.language, { dateStyle: "medium" });
  return (
    <Stack p="md" gap="sm">
      <Title order={2} size="h4">
        {t("panel.title")}
      </Title>
      <SegmentedControl
        aria-label={t("panel.kind")}
        value={kind}
        onChange={setKind}
        data={[
          { value: "media", label: t("panel.media") },
          { value: "files", label: t("panel.files") },
        ]}
      />
      <Group gap="xs" grow>
        <TextInput size="sm" aria-label={t("panel.name")} placeholder={t("panel.name")} value={name} onChange={(e) => setName(e.currentTarget.value)} />
        <Select size="sm" aria-label={t("panel.sender")} placeholder={t("panel.anybody")} data={senders} value={sender} onChange={setSender} clearable clearButtonProps={{ "aria-label": t("panel.anybody") }} />
      </Group>
      {kind === "media" ? (
        <ul className={classes.grid} aria-label={t("panel.media")}>
          {found.map((f) => (
            <li key={f.eventId}>{f.file.kind === "image" ? <Tile item={f} onOpen={() => setOpened(f)} /> : <FileBody file={f.file} roomId={roomId} eventId={f.eventId} />}</li>
          ))}
        </ul>
      ) : (
        <ul className={classes.list} aria-label={t("panel.files")}>
          {found.map((f) => (
            <li key={f.eventId}>
              <FileBody file={f.file} roomId={roomId} eventId={f.eventId} />
              {f.file.caption !== "" && <Text className={classes.caption}>{f.file.caption}</Text>}
              <Text size="xs" c="var(--quiet)">
                {f.sender}, {date.format(f.at)}
              </Text>
            </li>
          ))}
        </ul>
      )}
      {loading && <Loader size="sm" role="status" aria-label={t("panel.loading")} />}
      {error && (
        <Text size="sm" c="var(--mention)" role="alert">
          {t("error.offline")}
        </Text>
      )}
      {found.length === 0 && !loading && <Text c="var(--quiet)">{t("panel.none")}</Text>}
      {!loading && !done && (
        <Button variant="light" onClick={() => void more()}>
          {t("panel.more")}
        </Button>
      )}
      {opened && (
        <Suspense>
          <Lightbox roomId={roomId} start={opened} onClose={() => setOpened(null)} />
        </Suspense>
      )}
    </Stack>
  );
}

function Tile({ item, onOpen }: { item: RoomFile; onOpen: () => void }) {
  const { t } = useTranslation("files");
  const { url, error } = useBlobUrl(`tile ${item.eventId}`, () => previewUrl(item.file) ?? Promise.reject(new Error("no picture")));
  return (
    <UnstyledButton className={classes.tile} aria-label={t("open", { name: item.file.name })} onClick={onOpen}>
      {error === undefined && url ? <img src={url} alt="" /> : <Icon name="picture" size={20} />}
    </UnstyledButton>
  );
}

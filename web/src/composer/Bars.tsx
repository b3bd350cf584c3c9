import { ActionIcon, Button, CloseButton, Group, Progress, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { formatBytes } from "@/files/format.ts";
import { discard, hasCaption, type OutboxEntry, retry, useRefused, useWaiting } from "@/matrix/outbox.ts";
import { pollOf } from "@/matrix/poll.ts";
import type { Quoted } from "@/matrix/send.ts";
import { cancelUpload, retryUpload, type Upload, useUploads } from "@/matrix/uploadQueue.ts";
import classes from "./Composer.module.css";
import { Icon } from "@/ui/Icon.tsx";
import { clearIntent, type Intent, type Place } from "./state.ts";
import type { Notice } from "./useSend.ts";

interface Props {
  place: Place;
  intent: Intent | undefined;
  original: Quoted | null;
  notice: Notice | null;
  onNoticeClosed: () => void;
  /** Opens what was refused for changing it. */
  onChange: (entry: OutboxEntry) => void;
}

/** What stands above the writing field: what is answered or edited, what is on its way, what was refused. */
export function Bars({ place, intent, original, notice, onNoticeClosed, onChange }: Props) {
  const { t } = useTranslation("composer");
  const refused = useRefused(place.roomId, place.threadId ?? null);
  const uploads = useUploads(place);
  const waiting = useWaiting(place.roomId);
  return (
    <>
      {waiting > 0 && (
        <div className={classes.bar} role="status">
          <Icon name="clock" size={16} />
          <Text size="sm">{t("waiting", { count: waiting })}</Text>
        </div>
      )}
      {uploads.length > 0 && (
        <ul className={classes.bars} aria-label={t("upload.list")}>
          {uploads.map((u) => (
            <UploadRow key={u.id} upload={u} />
          ))}
        </ul>
      )}
      {refused.map((e) => (
        <Refused key={e.txnId} entry={e} onChange={onChange} />
      ))}
      {notice && (
        <div className={classes.bar} data-bad role="alert">
          <Text size="sm" flex={1}>
            {t(notice.text, notice.values ?? {})}
          </Text>
          <CloseButton size="sm" aria-label={t("close")} onClick={onNoticeClosed} />
        </div>
      )}
      {intent && (
        <div className={classes.bar} role="group" aria-label={t(`intent.${intent.kind}`)}>
          <Icon name={intent.kind === "edit" ? "pencil" : "reply"} size={16} />
          <div className={classes.quote}>
            <Text size="sm" fw={650} truncate>
              {intent.kind === "edit" ? t("intent.edit") : t("intent.replyTo", { name: original?.sender ?? "" })}
            </Text>
            {intent.kind === "reply" && (
              <Text size="sm" c="var(--quiet)" truncate>
                {original?.body ?? ""}
              </Text>
            )}
          </div>
          <CloseButton size="sm" aria-label={t(`intent.cancel.${intent.kind}`)} onClick={() => clearIntent(place)} />
        </div>
      )}
    </>
  );
}

function UploadRow({ upload: u }: { upload: Upload }) {
  const { t, i18n } = useTranslation("composer");
  const failed = u.state === "failed";
  const part = u.size > 0 ? (u.loaded / u.size) * 100 : 0;
  const about = failed ? u.error || t("upload.offline") : u.state === "uploading" ? `${formatBytes(u.loaded, i18n.language)} / ${formatBytes(u.size, i18n.language)}` : t(`upload.${u.state}`);
  return (
    <li className={classes.upload} data-bad={failed || undefined}>
      <div className={classes.quote}>
        <Group justify="space-between" wrap="nowrap" gap="xs">
          <Text size="sm" truncate>
            {u.name}
          </Text>
          <Text size="xs" c={failed ? "var(--mention)" : "var(--quiet)"} role={failed ? "alert" : undefined}>
            {about}
          </Text>
        </Group>
        {!failed && <Progress value={part} size="xs" aria-label={t("upload.progress", { name: u.name })} />}
      </div>
      {failed && (
        <ActionIcon variant="subtle" aria-label={t("upload.retry", { name: u.name })} onClick={() => retryUpload(u.id)}>
          <Icon name="retry" size={18} />
        </ActionIcon>
      )}
      <CloseButton size="sm" aria-label={t("upload.cancel", { name: u.name })} onClick={() => cancelUpload(u.id)} />
    </li>
  );
}

function Refused({ entry, onChange }: { entry: OutboxEntry; onChange: (entry: OutboxEntry) => void }) {
  const { t } = useTranslation("composer");
  const poll = pollOf(entry);
  const body = (entry.content["m.new_content"] as { body?: unknown } | undefined)?.body ?? poll?.text ?? entry.content.body;
  return (
    <div className={classes.bar} data-bad role="alert">
      <div className={classes.quote}>
        <Text size="sm" truncate>
          {t("refusedBar", { text: typeof body === "string" ? body : t("refusedOther") })}
        </Text>
        <Text size="sm" c="var(--mention)">
          {entry.error?.message}
        </Text>
      </div>
      {(poll !== null || hasCaption(entry)) && (
        <Button size="compact-sm" variant="light" onClick={() => onChange(entry)}>
          {t("change")}
        </Button>
      )}
      <Button size="compact-sm" variant="light" onClick={() => void retry(entry.txnId)}>
        {t("retry")}
      </Button>
      <Button size="compact-sm" variant="subtle" color="gray" onClick={() => void discard(entry.txnId)}>
        {t("delete")}
      </Button>
    </div>
  );
}

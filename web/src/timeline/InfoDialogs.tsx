import { CopyButton, Button, Loader, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Message } from "@/matrix/message.ts";
import { sourceOf } from "@/matrix/messageActions.ts";
import { versionsOf } from "@/matrix/relations.ts";
import type { Place } from "@/matrix/timeline.ts";
import { useTimes } from "./format.ts";
import { Html, PlainText } from "./html.tsx";
import classes from "./Parts.module.css";
import { closeOverlay } from "./state.ts";
import { inBrief } from "./words.ts";

/** All versions of an edited message. */
export function HistoryDialog({ place, id }: { place: Place; id: string }) {
  const { t } = useTranslation("timeline");
  const { full } = useTimes();
  const { data, isError } = useQuery({ queryKey: ["versions", place.roomId, id], queryFn: () => versionsOf(place.roomId, id), staleTime: 0 });
  return (
    <Modal opened onClose={closeOverlay} title={t("history.title")} centered size="lg">
      {isError && <Text>{t("history.failed")}</Text>}
      {data === undefined && !isError && <Loader role="status" aria-label={t("loading")} />}
      <Stack component="ol" className={classes.versions}>
        {data?.map((v, i) => (
          <li key={v.id}>
            <Text size="xs" c="var(--quiet)">
              {full(v.at)}
              {i === data.length - 1 ? ` · ${t("history.original")}` : ""}
            </Text>
            {v.body.kind === "text" ? v.body.html === null ? <PlainText text={v.body.text} /> : <Html html={v.body.html} text={v.body.text} /> : inBrief(v.body, t)}
          </li>
        ))}
      </Stack>
    </Modal>
  );
}

/** The event itself, for those who want to know. */
export function SourceDialog({ place, id }: { place: Place; id: string }) {
  const { t } = useTranslation("timeline");
  const { event, decrypted } = sourceOf(place.roomId, id);
  const part = (title: string, text: string) => (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <pre className={classes.source} tabIndex={0} aria-label={title}>
        {text}
      </pre>
      <CopyButton value={text}>{({ copied, copy }) => <Button size="compact-sm" variant="light" onClick={copy}>{copied ? t("copied") : t("copy")}</Button>}</CopyButton>
    </div>
  );
  return (
    <Modal opened onClose={closeOverlay} title={t("source.title")} centered size="xl">
      <Stack>
        <Text size="xs" c="var(--quiet)">
          {id}
        </Text>
        {decrypted !== null && part(t("source.decrypted"), decrypted)}
        {part(t("source.event"), event)}
      </Stack>
    </Modal>
  );
}

/** Who reacted, and how. */
export function ReactionsDialog({ message }: { message: Message }) {
  const { t } = useTranslation("timeline");
  return (
    <Modal opened onClose={closeOverlay} title={t("act.reactions")} centered>
      <Stack component="ul" className={classes.versions}>
        {message.reactions.map((r) => (
          <li key={r.key}>
            <Text span size="xl">
              {r.key}
            </Text>{" "}
            {r.people.join(", ")}
          </li>
        ))}
      </Stack>
    </Modal>
  );
}

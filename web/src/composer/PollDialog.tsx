import { ActionIcon, Button, Checkbox, Group, Modal, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { discard, type OutboxEntry } from "@/matrix/outbox.ts";
import { pollOf } from "@/matrix/poll.ts";
import { sendPoll } from "@/matrix/send.ts";
import { Icon } from "@/ui/Icon.tsx";
import type { Place } from "./state.ts";

const most = 20; // MSC3381 allows no more answers

interface Props {
  place: Place;
  question: string;
  /** A poll that the server did not take, to be changed and asked again. */
  refused?: OutboxEntry;
  onClose: () => void;
}

/** Asks for a poll's question and answers. */
export function PollDialog({ place, question: begun, refused, onClose }: Props) {
  const { t } = useTranslation("composer");
  const [before] = useState(() => (refused ? pollOf(refused) : null));
  const [question, setQuestion] = useState(before?.text ?? begun);
  const [answers, setAnswers] = useState(before?.answers.map((a) => a.text) ?? ["", ""]);
  const [disclosed, setDisclosed] = useState(before?.disclosed ?? true);
  const [several, setSeveral] = useState((before?.max ?? 1) > 1);
  const given = answers.map((a) => a.trim()).filter((a) => a !== "");
  const complete = question.trim() !== "" && given.length >= 2;
  const send = () => {
    if (refused) void discard(refused.txnId);
    void sendPoll(place, { question: question.trim(), answers: given, max: several ? given.length : 1, disclosed });
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("poll.title")} closeButtonProps={{ "aria-label": t("close") }} centered>
      <form onSubmit={(e) => (e.preventDefault(), complete && send())}>
        <Stack>
          {refused && (
            <Text size="sm" c="var(--mention)" role="alert">
              {t("refused", { reason: refused.error?.message ?? "" })}
            </Text>
          )}
          <TextInput label={t("poll.question")} value={question} onChange={(e) => setQuestion(e.currentTarget.value)} maxLength={340} data-autofocus required />
          {answers.map((a, i) => (
            <TextInput
              key={i}
              label={t("poll.answer", { number: i + 1 })}
              value={a}
              maxLength={340}
              onChange={(e) => setAnswers(answers.map((old, n) => (n === i ? e.currentTarget.value : old)))}
              rightSectionPointerEvents="all"
              rightSection={
                answers.length > 2 && (
                  <ActionIcon variant="subtle" color="gray" aria-label={t("poll.remove", { number: i + 1 })} onClick={() => setAnswers(answers.filter((_, n) => n !== i))}>
                    <Icon name="close" size={16} />
                  </ActionIcon>
                )
              }
            />
          ))}
          <Group>
            <Button variant="light" size="xs" disabled={answers.length >= most} onClick={() => setAnswers([...answers, ""])}>
              {t("poll.add")}
            </Button>
          </Group>
          <Radio.Group label={t("poll.results")} value={disclosed ? "open" : "closed"} onChange={(v) => setDisclosed(v === "open")}>
            <Stack gap="xs" mt="xs">
              <Radio value="open" label={t("poll.open")} />
              <Radio value="closed" label={t("poll.closed")} />
            </Stack>
          </Radio.Group>
          <Checkbox label={t("poll.several")} checked={several} onChange={(e) => setSeveral(e.currentTarget.checked)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" disabled={!complete}>
              {t("poll.send")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

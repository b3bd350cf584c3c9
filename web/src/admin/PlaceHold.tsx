import { Alert, Button, Group, Modal, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/ui/act.ts";
import { placeHold } from "./api-holds.ts";
import { day } from "./day.ts";
import { Finder } from "./Finder.tsx";

/** Asks what is to be kept: what a person, a room or a period covers. */
export function PlaceHold({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useForm({
    initialValues: { case: "", reason: "", custodian: "", room: "", since: "", until: "" },
    validate: {
      case: (v) => (v.trim() === "" ? t("holds.needCase") : null),
      reason: (v) => (v.trim() === "" ? t("holds.needReason") : null),
      until: (v, all) => (v !== "" && all.since !== "" && v < all.since ? t("holds.badPeriod") : null),
    },
  });
  const submit = form.onSubmit(async (v) => {
    if (v.custodian === "" && v.room === "" && v.since === "" && v.until === "") {
      setError(t("holds.needScope"));
      return;
    }
    setBusy(true);
    setError("");
    try {
      const since = day(v.since);
      const until = day(v.until, true);
      await placeHold({
        case: v.case.trim(),
        reason: v.reason.trim(),
        ...(v.custodian && { custodian: v.custodian }),
        ...(v.room && { room: v.room }),
        ...(since !== undefined && { since }),
        ...(until !== undefined && { until }),
      });
      await queries.invalidateQueries({ queryKey: ["admin", "holds"] });
      onClose();
    } catch (err) {
      setError(errorText(err));
      setBusy(false);
    }
  });
  return (
    <Modal opened onClose={onClose} title={t("holds.place")} closeButtonProps={{ "aria-label": t("close") }} size="lg" centered>
      <form onSubmit={submit} noValidate>
        <Stack>
          <Text size="sm" c="var(--quiet)">
            {t("holds.placeText")}
          </Text>
          {error && (
            <Alert color="red" role="alert">
              {error}
            </Alert>
          )}
          <TextInput label={t("holds.case")} data-autofocus autoComplete="off" maxLength={100} required {...form.getInputProps("case")} />
          <Textarea label={t("holds.reason")} rows={3} maxLength={500} required {...form.getInputProps("reason")} />
          <Finder what="people" label={t("holds.custodian")} description={t("holds.custodianText")} value={form.values.custodian} onChange={(id) => form.setFieldValue("custodian", id)} />
          <Finder what="rooms" label={t("holds.room")} description={t("holds.roomText")} value={form.values.room} onChange={(id) => form.setFieldValue("room", id)} />
          <Group grow>
            <TextInput type="date" label={t("holds.since")} {...form.getInputProps("since")} />
            <TextInput type="date" label={t("holds.until")} {...form.getInputProps("until")} />
          </Group>
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" loading={busy}>
              {t("holds.doPlace")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

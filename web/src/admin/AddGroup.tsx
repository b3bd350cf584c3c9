import { Alert, Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { errorText } from "@/ui/act.ts";
import { badId, createGroup, slug } from "./api-groups.ts";

/** Makes a group, and shows it. */
export function AddGroup({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState("");
  const [own, setOwn] = useState<string | null>(null);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const id = own ?? slug(name);
  const submit = async (e: React.FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError("");
    try {
      await createGroup(id, name.trim());
      await queries.invalidateQueries({ queryKey: ["admin"] });
      await navigate({ to: "/admin/$page/$item", params: { page: "groups", item: id } });
    } catch (err) {
      setError(errorText(err));
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={onClose} title={t("groups.add")} closeButtonProps={{ "aria-label": t("close") }} centered>
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          {error && (
            <Alert color="red" role="alert">
              {error}
            </Alert>
          )}
          <TextInput label={t("people.name")} description={t("groups.nameText")} required maxLength={100} data-autofocus autoComplete="off" value={name} onChange={(e) => setName(e.currentTarget.value)} />
          <TextInput label={t("groups.id")} description={t("groups.idText")} required maxLength={64} autoComplete="off" autoCapitalize="none" value={id} error={id !== "" && badId(id) ? t("groups.badId") : null} onChange={(e) => setOwn(e.currentTarget.value)} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("cancel")}
            </Button>
            <Button type="submit" loading={busy} disabled={name.trim() === "" || badId(id)}>
              {t("add.do")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

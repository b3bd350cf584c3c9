import { Avatar as Picture, Button, Checkbox, Group, Modal, Radio, Select, Stack, Switch, Text, Textarea, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Access, aliasFor, createRoom, encryptsAlways } from "@/matrix/create.ts";
import { homeServer } from "@/matrix/people.ts";
import { flat, useSpaces } from "@/matrix/spaces.ts";
import { initials } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { PicturePicker, useBlobUrl } from "../PicturePicker.tsx";
import { chooseSpace } from "../state.ts";

interface Props {
  space: string;
  of: "room" | "space";
  onClose: () => void;
}

/** Makes a room or a space. */
export function NewRoom({ space: within, of, onClose }: Props) {
  const { t } = useTranslation("rooms");
  const [name, setName] = useState("");
  const [topic, setTopic] = useState("");
  const [picture, setPicture] = useState<Blob | null>(null);
  const [cropping, setCropping] = useState(false);
  const [space, setSpace] = useState(within);
  const [access, setAccess] = useState<Access>(within ? "restricted" : "invite");
  const [encrypted, setEncrypted] = useState(true);
  const [listed, setListed] = useState(true);
  const [alias, setAlias] = useState<string | null>(null); // null: follows the name
  const spaces = flat(useSpaces());
  const url = useBlobUrl(picture);
  const navigate = useNavigate();
  const { busy, act } = useAct();
  const { data: always } = useQuery({ queryKey: ["encrypts-always"], queryFn: encryptsAlways });
  const choices: Access[] = [...(space ? (["restricted"] as const) : []), "invite", "knock", "public"];
  const found = access === "public" || access === "knock"; // by people who are not in it
  const address = found ? (alias ?? aliasFor(name)) : "";
  const submit = (e: FormEvent) => {
    e.preventDefault();
    void act(async () => {
      const id = await createRoom({
        name: name.trim(), topic: topic.trim(), picture, access, encrypted: encrypted && of === "room", alias: address, listed: found && listed, space, invite: [], kind: of,
      });
      onClose();
      if (of === "space") chooseSpace(id);
      await (of === "space" ? navigate({ to: "/space/$spaceId", params: { spaceId: id } }) : navigate({ to: "/room/$roomId", params: { roomId: id } }));
    });
  };
  return (
    <Modal opened closeOnEscape={!cropping} onClose={onClose} title={of === "space" ? t("space.new") : t("new.room")} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack component="form" onSubmit={submit}>
        <PicturePicker onCropping={setCropping} onPick={setPicture} onRemove={picture ? () => setPicture(null) : undefined}>
          <Picture src={url} size={56} radius="xl" alt="" color="petrol">
            {name.trim() ? initials(name) : ""}
          </Picture>
        </PicturePicker>
        <TextInput label={t("field.name")} required data-autofocus maxLength={200} value={name} onChange={(e) => setName(e.currentTarget.value)} />
        <Textarea label={t("field.topic")} autosize minRows={2} maxRows={5} value={topic} onChange={(e) => setTopic(e.currentTarget.value)} />
        <Select
          label={t("field.space")}
          clearable
          placeholder={t("field.noSpace")}
          data={spaces.filter((s, i) => spaces.findIndex((o) => o.space.id === s.space.id) === i).map(({ space: s, depth }) => ({ value: s.id, label: `${"  ".repeat(depth)}${s.name}` }))}
          value={space || null}
          onChange={(v) => {
            setSpace(v ?? "");
            setAccess((a) => (v ? (a === "invite" ? "restricted" : a) : a === "restricted" ? "invite" : a));
          }}
        />
        <Radio.Group label={t("access.title")} value={access} onChange={(v) => setAccess(v as Access)}>
          <Stack gap="xs" mt={6}>
            {choices.map((c) => (
              <Radio key={c} value={c} label={t(`access.${c}`)} description={t(`access.${c}Help`)} />
            ))}
          </Stack>
        </Radio.Group>
        {found && (
          <>
            <TextInput label={t("field.address")} leftSection="#" rightSection={<span style={{ whiteSpace: "nowrap", paddingInlineEnd: 8 }}>:{homeServer()}</span>} rightSectionWidth={`${homeServer().length + 3}ch`} value={address} onChange={(e) => setAlias(aliasFor(e.currentTarget.value))} />
            <Checkbox label={t("access.listed")} checked={listed} onChange={(e) => setListed(e.currentTarget.checked)} />
          </>
        )}
        {of === "room" && always && <Text size="sm">{t("encryption.always")}</Text>}
        {of === "room" && always === false && <Switch label={t("encryption.switch")} description={t("encryption.help")} checked={encrypted} onChange={(e) => setEncrypted(e.currentTarget.checked)} />}
        <Group justify="flex-end">
          <Button type="submit" loading={busy} disabled={name.trim() === ""}>
            {of === "space" ? t("space.create") : t("new.create")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

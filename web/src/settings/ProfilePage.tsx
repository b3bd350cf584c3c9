import { Button, FileButton, Group, Loader, Stack, TextInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Profile, removePicture, setDisplayName, setPicture, setStatus, useAbilities, useProfile } from "@/matrix/profile.ts";
import { useAct } from "@/ui/act.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { PictureCrop } from "@/ui/PictureCrop.tsx";
import { Row, Section } from "./Section.tsx";
import classes from "./Settings.module.css";

export function ProfilePage() {
  const { t } = useTranslation("settings");
  const profile = useProfile();
  const can = useAbilities().data;
  if (!profile.data || !can) return <Loader role="status" aria-label={t("loading")} />;
  return (
    <>
      <Section title={t("profile.you")} text={t("profile.youText")}>
        <Picture profile={profile.data} may={can.picture} />
        <Field
          key={`name ${profile.data.name}`}
          label={t("profile.name")}
          text={can.name ? t("profile.nameText") : t("profile.nameFixed")}
          initial={profile.data.name}
          may={can.name}
          required
          maxLength={128}
          save={setDisplayName}
          done={t("profile.nameSaved")}
        />
        {can.status && (
          <Field
            key={`status ${profile.data.status}`}
            label={t("profile.status")}
            text={t("profile.statusText")}
            placeholder={t("profile.statusExample")}
            initial={profile.data.status}
            may
            maxLength={100}
            save={setStatus}
            done={t("profile.statusSaved")}
          />
        )}
      </Section>
    </>
  );
}

interface FieldProps {
  label: string;
  text: string;
  placeholder?: string;
  initial: string;
  may: boolean;
  required?: boolean;
  maxLength: number;
  save: (value: string) => Promise<void>;
  done: string;
}

/** One text of the profile; its button is there when there is something to save. */
function Field({ label, text, placeholder, initial, may, required = false, maxLength, save, done }: FieldProps) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [value, setValue] = useState(initial);
  const submit = async (e: React.FormEvent) => {
    e.preventDefault();
    await act(async () => {
      await save(value.trim());
      await queries.invalidateQueries({ queryKey: ["own profile"] });
    }, done);
  };
  if (!may) {
    return (
      <Row label={label} text={text}>
        {initial}
      </Row>
    );
  }
  const changed = value.trim() !== initial && (!required || value.trim() !== "");
  return (
    <form onSubmit={(e) => void submit(e)} className={classes.row}>
      <TextInput
        label={label}
        description={text}
        placeholder={placeholder}
        className={classes.about ?? ""}
        value={value}
        maxLength={maxLength}
        autoComplete="off"
        onChange={(e) => setValue(e.currentTarget.value)}
      />
      <Button type="submit" loading={busy} disabled={!changed} style={{ alignSelf: "flex-end" }}>
        {t("save")}
      </Button>
    </form>
  );
}

function Picture({ profile, may }: { profile: Profile; may: boolean }) {
  const { t } = useTranslation("settings");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [file, setFile] = useState<File | null>(null);
  const change = async (what: () => Promise<void>, done: string) => {
    const ok = await act(async () => {
      await what();
      await queries.invalidateQueries({ queryKey: ["own profile"] });
    }, done);
    if (ok) setFile(null);
  };
  return (
    <Row
      label={
        <Group wrap="nowrap" gap="md" component="span">
          <Avatar id={profile.userId} name={profile.name || profile.userId} mxc={profile.avatar} size={72} />
          <Stack gap={0} component="span" style={{ minWidth: 0 }}>
            <span>{profile.name || profile.userId}</span>
            <span style={{ fontWeight: 400, fontSize: "0.875rem", color: "var(--quiet)" }}>{profile.userId}</span>
          </Stack>
        </Group>
      }
    >
      {may && (
        <Group gap="xs">
          <FileButton accept="image/png,image/jpeg,image/webp,image/gif" onChange={setFile} inputProps={{ "aria-label": t("picture.file") }}>
            {(props) => (
              <Button variant="default" {...props}>
                {profile.avatar ? t("picture.change") : t("picture.add")}
              </Button>
            )}
          </FileButton>
          {profile.avatar && (
            <Button variant="subtle" color="red" loading={busy && file === null} onClick={() => void change(removePicture, t("picture.removed"))}>
              {t("picture.remove")}
            </Button>
          )}
        </Group>
      )}
      {file && <PictureCrop file={file} busy={busy} onClose={() => setFile(null)} onDone={(b) => void change(() => setPicture(b), t("picture.saved"))} />}
    </Row>
  );
}

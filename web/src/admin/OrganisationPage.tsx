import { Alert, Button, Group, NumberInput, Select, Skeleton, Switch, Text, TextInput } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/matrix/api.ts";
import { Row, Section } from "@/settings/Section.tsx";
import { errorText, useAct } from "@/ui/act.ts";
import { estimateRetention, getSettings, putSettings, type SettingsAnswer, type SettingValues } from "./api.ts";
import { parseBytes, writeBytes } from "./check.ts";
import { Recording } from "./Recording.tsx";
import { TypeName } from "./TypeName.tsx";
import { showUndo } from "./undo.tsx";

const key = ["admin", "settings"];
type Name = keyof SettingValues;

/** What the organisation decides: its name, who may join, limits, and what its people's apps do. */
export function OrganisationPage() {
  const { t } = useTranslation("admin");
  const settings = useQuery({ queryKey: key, queryFn: getSettings, staleTime: 0 });
  if (settings.isError) {
    return (
      <Alert color="red" role="alert" title={t("list.failed")}>
        {errorText(settings.error)}
      </Alert>
    );
  }
  if (!settings.data) return <Skeleton height={320} role="status" aria-label={t("loading")} />;
  return <Form key={settings.data.version} s={settings.data} />;
}

function Form({ s }: { s: SettingsAnswer }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [asked, setAsked] = useState<{ rooms: number; messages: number } | null>(null);
  const [draft, setDraft] = useState<Partial<SettingValues>>(s.set);
  const v: SettingValues = { ...s.values, ...draft };
  const [texts, setTexts] = useState({ upload_limit: writeBytes(v.upload_limit), user_quota: writeBytes(v.user_quota) });
  const changed = JSON.stringify(draft) !== JSON.stringify(s.set);
  const bad = (["upload_limit", "user_quota"] as const).filter((n) => parseBytes(texts[n]) === null || (n === "upload_limit" && parseBytes(texts[n]) === 0));
  const set = <N extends Name>(name: N, value: SettingValues[N]) => setDraft((d) => ({ ...d, [name]: value }));
  const save = async () => {
    let version = s.version;
    const ok = await act(async () => {
      try {
        version = (await putSettings(draft, s.version)).version;
      } catch (err) {
        if (err instanceof ApiError && err.code === "CHAT.CONCLAVE.CHANGED") throw new Error(t("organisation.conflict"));
        throw err;
      } finally {
        await queries.invalidateQueries({ queryKey: ["organisation"] });
      }
    });
    if (!ok) return;
    showUndo(t("organisation.saved"), () => act(() => putSettings(s.set, version).then(() => queries.invalidateQueries({ queryKey: key }))));
    await queries.invalidateQueries({ queryKey: key });
  };
  // Shorter times delete messages at once, for good: who sets them is told how many, and types the organisation's name.
  const ask = async () => {
    const times = { retention_days: v.retention_days, retention_min_days: v.retention_min_days, retention_max_days: v.retention_max_days };
    let would = { rooms: 0, messages: 0 };
    if (Object.keys(times).some((n) => v[n as keyof typeof times] !== s.values[n as keyof typeof times])) {
      if (!(await act(async () => void (would = await estimateRetention(times))))) return;
    }
    if (would.messages > 0) setAsked(would);
    else await save();
  };
  const line = (name: Name, control: (id: string) => ReactNode) => <Line key={name} name={name} source={name in draft ? "console" : s.sources[name]} control={control} />;
  const bytesLine = (name: "upload_limit" | "user_quota") =>
    line(name, (id) => (
      <TextInput
        aria-labelledby={id}
        w="11rem"
        value={texts[name]}
        error={bad.includes(name) ? t("organisation.badBytes") : null}
        onChange={(e) => {
          const text = e.currentTarget.value;
          setTexts((x) => ({ ...x, [name]: text }));
          const n = parseBytes(text);
          if (n !== null && n !== v[name]) set(name, n);
        }}
      />
    ));
  const switchLine = (name: "encrypt_rooms" | "forwarding_allowed" | "exclude_unsigned_devices" | "recovery_passphrase_allowed") =>
    line(name, (id) => <Switch aria-labelledby={id} checked={v[name]} onChange={(e) => set(name, e.currentTarget.checked)} />);
  return (
    <>
      <Section title={t("organisation.organisation")}>
        {line("name", (id) => <TextInput aria-labelledby={id} w="18rem" maxLength={100} value={v.name} onChange={(e) => set("name", e.currentTarget.value)} />)}
        {line("registration", (id) => (
          <Select
            aria-labelledby={id}
            allowDeselect={false}
            w="18rem"
            data={[
              { value: "closed", label: t("organisation.closed") },
              { value: "token", label: t("organisation.token") },
              ...(v.registration === "open" ? [{ value: "open", label: t("organisation.open") }] : []),
            ]}
            value={v.registration}
            onChange={(x) => x && set("registration", x as SettingValues["registration"])}
          />
        ))}
      </Section>
      <Section title={t("organisation.security")}>
        {switchLine("encrypt_rooms")}
        {switchLine("exclude_unsigned_devices")}
        {switchLine("recovery_passphrase_allowed")}
        {switchLine("forwarding_allowed")}
        {line("idle_lock_minutes", (id) => (
          <NumberInput aria-labelledby={id} w="11rem" min={0} max={1440} allowDecimal={false} value={v.idle_lock_minutes} onChange={(x) => set("idle_lock_minutes", Number(x) || 0)} />
        ))}
      </Section>
      <Section title={t("organisation.limits")}>
        {bytesLine("upload_limit")}
        {bytesLine("user_quota")}
      </Section>
      <Section title={t("organisation.retention")}>
        {(["retention_days", "retention_min_days", "retention_max_days"] as const).map((name) =>
          line(name, (id) => <NumberInput aria-labelledby={id} w="11rem" min={0} max={36600} allowDecimal={false} value={v[name]} onChange={(x) => set(name, Number(x) || 0)} />),
        )}
      </Section>
      <Recording v={v} set={set} line={line} />
      {asked !== null && (
        <TypeName
          title={t("organisation.retentionAsk")}
          text={t("organisation.retentionText", { messages: t("organisation.messages", { count: asked.messages }), rooms: t("organisation.rooms", { count: asked.rooms }) })}
          action={t("save")}
          name={s.values.name}
          onClose={() => setAsked(null)}
          act={save}
        />
      )}
      <Group mt="xl">
        <Button loading={busy} disabled={!changed || bad.length > 0 || v.name.trim() === ""} onClick={() => void ask()}>
          {t("save")}
        </Button>
        <Button variant="default" disabled={!changed} onClick={() => (setDraft(s.set), setTexts({ upload_limit: writeBytes(s.values.upload_limit), user_quota: writeBytes(s.values.user_quota) }))}>
          {t("organisation.discard")}
        </Button>
      </Group>
    </>
  );
}

function Line({ name, source, control }: { name: Name; source: SettingsAnswer["sources"][Name]; control: (id: string) => ReactNode }) {
  const { t } = useTranslation("admin");
  const id = useId();
  return (
    <Row
      label={t(`setting.${name}`)}
      labelId={id}
      text={
        <>
          {t(`setting.${name}Text`)}{" "}
          <Text span size="xs">
            ({t(`source.${source}`)})
          </Text>
        </>
      }
    >
      {control(id)}
    </Row>
  );
}

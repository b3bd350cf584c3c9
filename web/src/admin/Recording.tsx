import { Alert, Badge, MultiSelect, Select, TagsInput, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Fragment, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Row, Section } from "@/settings/Section.tsx";
import { ArchiveCheck } from "./ArchiveCheck.tsx";
import { getRecording, type SettingValues } from "./api.ts";
import { allGroups } from "./api-groups.ts";
import { RecordingClasses } from "./RecordingClasses.tsx";

type Name = "recording_scope" | "recording_mode" | "recording_rooms" | "recording_people" | "recording_groups" | "recording_classes";

interface Props {
  v: SettingValues;
  set: <N extends Name>(name: N, value: SettingValues[N]) => void;
  line: (name: Name, control: (id: string) => ReactNode) => ReactNode;
}

const scopes = ["all", "except", "people", "groups", "none"] as const;
const modes = ["closed", "warn"] as const;

/** What is recorded, where there is a recorder: for those with the compliance role to change, for others to read. */
export function Recording({ v, set, line }: Props) {
  const { t } = useTranslation("admin");
  const { data } = useQuery({ queryKey: ["admin", "recording"], queryFn: getRecording, staleTime: 0 });
  const groups = useQuery({ queryKey: ["admin", "groups", "all"], queryFn: allGroups, staleTime: 0, enabled: v.recording_scope === "groups" || v.recording_classes.length > 0 });
  if (data === undefined || data.recorder === "none") return null;
  const may = data.may_change;
  const choice = <N extends "recording_scope" | "recording_mode">(name: N, values: readonly SettingValues[N][]) =>
    line(name, (id) =>
      may ? (
        <Select
          aria-labelledby={id}
          allowDeselect={false}
          w="18rem"
          data={values.map((x) => ({ value: x, label: t(`recording.${x}`) }))}
          value={v[name]}
          onChange={(x) => x && set(name, x as SettingValues[N])}
        />
      ) : (
        <Text>{t(`recording.${v[name]}`)}</Text>
      ),
    );
  const ids = (name: "recording_rooms" | "recording_people", example: string) =>
    line(name, (id) =>
      may ? <TagsInput aria-labelledby={id} w="18rem" value={v[name]} placeholder={example} onChange={(x) => set(name, x)} /> : <Text>{v[name].join(", ") || t("recording.nobody")}</Text>,
    );
  return (
    <Section title={t("recording.title")} text={may ? t("recording.text") : t("recording.others")}>
      {data.recorder !== "ok" && (
        <Alert color="red" role="alert" m="md" title={t("recording.down")}>
          {data.recorder}
        </Alert>
      )}
      {data.recorders.length < 2 && <ArchiveCheck status={data} />}
      {data.recorders.length > 1 &&
        data.recorders.map((r) => (
          <Fragment key={r.user_id}>
            <Row label={r.user_id} text={r.log}>
              <Badge color={r.state === "ok" ? "teal" : "red"} variant="light" title={r.state === "ok" ? undefined : r.state}>
                {t(r.state === "ok" ? "recording.answers" : "recording.silent")}
              </Badge>
            </Row>
            <ArchiveCheck status={r} />
          </Fragment>
        ))}
      {choice("recording_scope", scopes)}
      {v.recording_scope === "except" && ids("recording_rooms", "!room:example.org")}
      {v.recording_scope === "people" && ids("recording_people", "@name:example.org")}
      {v.recording_scope === "groups" &&
        line("recording_groups", (id) =>
          may ? (
            <MultiSelect
              aria-labelledby={id}
              w="18rem"
              searchable
              data={(groups.data ?? []).map((g) => ({ value: g.group_id, label: g.name }))}
              value={v.recording_groups}
              nothingFoundMessage={t("groups.none")}
              onChange={(x) => set("recording_groups", x)}
            />
          ) : (
            <Text>{v.recording_groups.map((g) => groups.data?.find((x) => x.group_id === g)?.name ?? g).join(", ") || t("recording.nobody")}</Text>
          ),
        )}
      {choice("recording_mode", modes)}
      {(data.outdated_rooms ?? 0) > 0 && (
        <Text size="sm" px="md" pb="md" role="status">
          {t("recording.outdated", { count: data.outdated_rooms })}
        </Text>
      )}
      {line("recording_classes", (id) => (
        <RecordingClasses labelledBy={id} may={may} classes={v.recording_classes} groups={groups.data ?? []} known={data.archive?.classes} onChange={(x) => set("recording_classes", x)} />
      ))}
      {data.unrecorded > 0 && (
        <Text size="sm" px="md" pb="md" role="status">
          {t("recording.waiting", { count: data.unrecorded })}
        </Text>
      )}
    </Section>
  );
}

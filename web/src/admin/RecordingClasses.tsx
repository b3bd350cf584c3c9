import { ActionIcon, Button, Group, MultiSelect, Paper, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Icon } from "@/ui/Icon.tsx";
import type { RecordingClass } from "./api.ts";

interface Props {
  labelledBy: string;
  may: boolean;
  classes: RecordingClass[];
  groups: { group_id: string; name: string }[];
  known: string[] | undefined; // the classes that the recorder has a term for; undefined where it does not say
  onChange: (classes: RecordingClass[]) => void;
}

const form = /^[a-z0-9-]{1,32}$/;

/** The archive's retention classes in their order: the first that claims a room has it. */
export function RecordingClasses({ labelledBy, may, classes, groups, known, onChange }: Props) {
  const { t } = useTranslation("admin");
  const name = (id: string) => groups.find((g) => g.group_id === id)?.name ?? id;
  const change = (at: number, to: Partial<RecordingClass>) => onChange(classes.map((c, i) => (i === at ? { ...c, ...to } : c)));
  const up = (at: number) => onChange(classes.map((c, i) => (i === at - 1 ? classes[at]! : i === at ? classes[at - 1]! : c)));
  const unknown = (c: RecordingClass) => known !== undefined && form.test(c.class) && !known.includes(c.class);
  if (!may) {
    return (
      <Stack gap={4} w="18rem">
        {classes.length === 0 && <Text>{t("recording.noClasses")}</Text>}
        {classes.map((c) => (
          <Text key={c.class}>
            {c.class}: {[...c.groups.map(name), ...c.rooms].join(", ") || t("recording.nobody")}
            {unknown(c) && (
              <Text span display="block" size="xs" c="dimmed">
                {t("recording.unknownClass")}
              </Text>
            )}
          </Text>
        ))}
      </Stack>
    );
  }
  return (
    <Stack gap="sm" w="18rem" role="group" aria-labelledby={labelledBy}>
      {classes.map((c, at) => {
        const twice = classes.some((x, i) => i < at && x.class === c.class);
        return (
          // The place in the list is what a class is known by while its name is being written.
          <Paper key={at} withBorder p="sm">
            <Stack gap="xs">
              <TextInput
                label={t("recording.class")}
                value={c.class}
                maxLength={32}
                error={!form.test(c.class) ? t("recording.badClass") : twice ? t("recording.sameClass") : null}
                description={unknown(c) ? t("recording.unknownClass") : undefined}
                inputWrapperOrder={["label", "input", "description", "error"]}
                onChange={(e) => change(at, { class: e.currentTarget.value })}
              />
              <MultiSelect
                label={t("recording.classGroups")}
                searchable
                data={groups.map((g) => ({ value: g.group_id, label: g.name }))}
                value={c.groups}
                nothingFoundMessage={t("groups.none")}
                onChange={(x) => change(at, { groups: x })}
              />
              <TagsInput label={t("recording.classRooms")} placeholder={c.rooms.length === 0 ? "!room:example.org" : ""} value={c.rooms} onChange={(x) => change(at, { rooms: x })} />
              <Group justify="space-between">
                <Button size="compact-sm" variant="subtle" color="red" onClick={() => onChange(classes.filter((_, i) => i !== at))}>
                  {t("recording.removeClass")}
                </Button>
                {at > 0 && (
                  <ActionIcon variant="subtle" color="gray" style={{ transform: "rotate(180deg)" }} aria-label={t("recording.classUp", { class: c.class })} title={t("recording.classUp", { class: c.class })} onClick={() => up(at)}>
                    <Icon name="down" />
                  </ActionIcon>
                )}
              </Group>
            </Stack>
          </Paper>
        );
      })}
      <Group>
        <Button variant="default" size="sm" onClick={() => onChange([...classes, { class: "", groups: [], rooms: [] }])}>
          {t("recording.addClass")}
        </Button>
      </Group>
    </Stack>
  );
}

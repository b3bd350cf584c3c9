import { Alert, Badge, Box, Button, DataList, Group, Skeleton, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useClientState } from "@/matrix/client.ts";
import { Row, Section } from "@/settings/Section.tsx";
import { errorText, useAct } from "@/ui/act.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { ago, moment } from "@/ui/when.ts";
import { SecurityHistory } from "@/verify/SecurityHistory.tsx";
import { getPerson, type PersonDetails, signOutDevice, signOutPerson } from "./api.ts";
import { bytes } from "./bytes.ts";
import { CsvButton } from "./CsvButton.tsx";
import { PersonActs } from "./PersonActs.tsx";
import { PersonData } from "./PersonData.tsx";
import { PersonGroups } from "./PersonGroups.tsx";
import { PersonName } from "./PersonName.tsx";
import { StateBadge } from "./StateBadge.tsx";
import { TypeName } from "./TypeName.tsx";
import { useCompliance } from "./useCompliance.ts";

/** One account: who it is, its devices, and what can be done about it. */
export function PersonPage({ id }: { id: string }) {
  const { t } = useTranslation("admin");
  const may = useCompliance();
  const me = useClientState((s) => s.userId);
  const person = useQuery({ queryKey: ["admin", "person", id], queryFn: () => getPerson(id), staleTime: 0 });
  if (person.isError) {
    return (
      <Alert color="red" role="alert" title={t("list.failed")}>
        {errorText(person.error)}
      </Alert>
    );
  }
  if (!person.data) return <Skeleton height={240} role="status" aria-label={t("loading")} />;
  const p = person.data;
  if (p.protected && may !== true && id !== me) {
    return (
      <>
        <Facts p={p} />
        {may === false && (
          <Alert color="yellow" role="note" title={t("person.protected")}>
            {t("person.protectedText")}
          </Alert>
        )}
        <Security p={p} />
      </>
    );
  }
  return (
    <>
      <Facts p={p} />
      <PersonName p={p} key={p.display_name} />
      <PersonGroups p={p} />
      <Devices p={p} />
      <Security p={p} />
      <PersonActs p={p} />
      <PersonData p={p} />
    </>
  );
}

function Facts({ p }: { p: PersonDetails }) {
  const { t, i18n } = useTranslation("admin");
  const facts: [string, string][] = [
    [t("person.created"), moment(p.created, i18n.language)],
    [t("people.seen"), p.last_seen === 0 ? t("never") : ago(p.last_seen, i18n.language)],
    [t("person.rooms"), String(p.joined_rooms)],
    [t("people.files"), `${bytes(p.media_bytes, i18n.language)} (${p.media_files})`],
  ];
  return (
    <Group align="flex-start" gap="xl" mb="xl">
      <Group gap="md" wrap="nowrap">
        <Avatar id={p.user_id} name={p.display_name || p.user_id} mxc={null} size={64} />
        <div>
          <Text fw={650} size="lg">
            {p.display_name || p.user_id}
          </Text>
          <Group gap="xs" mt={4}>
            <StateBadge state={p.state} />
            {p.admin && <Badge variant="outline">{t("people.admin")}</Badge>}
            {p.erased && <Badge variant="outline">{t("person.erased")}</Badge>}
          </Group>
        </div>
      </Group>
      <DataList size="sm">
        {facts.map(([label, value]) => (
          <DataList.Item key={label}>
            <DataList.ItemLabel>{label}</DataList.ItemLabel>
            <DataList.ItemValue>{value}</DataList.ItemValue>
          </DataList.Item>
        ))}
      </DataList>
    </Group>
  );
}

function Security({ p }: { p: PersonDetails }) {
  const { t } = useTranslation("admin");
  return (
    <Section title={t("person.security")} text={t("person.securityText")}>
      <Box p="md">
        <SecurityHistory userId={p.user_id} />
        <Box mt="sm">
          <CsvButton path={`people/${encodeURIComponent(p.user_id)}/security`} query={{}} />
        </Box>
      </Box>
    </Section>
  );
}

function Devices({ p }: { p: PersonDetails }) {
  const { t, i18n } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [all, setAll] = useState(false);
  const refresh = () => queries.invalidateQueries({ queryKey: ["admin"] });
  const name = p.user_id.slice(1).split(":")[0] ?? "";
  return (
    <Section title={t("person.devices")} text={t("person.devicesText")}>
      {p.devices.map((d) => (
        <Row
          key={d.device_id}
          label={d.display_name || d.device_id}
          text={[d.last_seen === 0 ? t("never") : t("person.seen", { when: ago(d.last_seen, i18n.language) }), d.address, d.device_id].filter(Boolean).join(" · ")}
        >
          <Button
            variant="outline"
            color="red"
            disabled={busy}
            aria-label={t("person.endDevice", { name: d.display_name || d.device_id })}
            onClick={() =>
              void act(async () => {
                await signOutDevice(p.user_id, d.device_id);
                await refresh();
              }, t("person.ended"))
            }
          >
            {t("person.end")}
          </Button>
        </Row>
      ))}
      {p.devices.length === 0 && (
        <Text p="md" c="var(--quiet)">
          {t("person.noDevices")}
        </Text>
      )}
      {p.devices.length > 1 && (
        <Row label={t("person.endAll")} text={t("person.endAllText")}>
          <Button variant="outline" color="red" onClick={() => setAll(true)}>
            {t("person.endAll")}
          </Button>
        </Row>
      )}
      {all && (
        <TypeName
          title={t("person.endAll")}
          text={t("person.endAllText")}
          action={t("person.endAll")}
          name={name}
          onClose={() => setAll(false)}
          act={async () => {
            await signOutPerson(p.user_id);
            await refresh();
          }}
        />
      )}
    </Section>
  );
}

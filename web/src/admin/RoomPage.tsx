import { Alert, Button, DataList, Progress, Skeleton, Text } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ageWords } from "@/company/kept.ts";
import { ApiError } from "@/matrix/api.ts";
import { Row, Section } from "@/settings/Section.tsx";
import { errorText, useAct } from "@/ui/act.ts";
import { moment } from "@/ui/when.ts";
import { block, deleteRoom, getJob, getRoom, type Job, type RoomDetails, takeOver } from "./api-rooms.ts";
import { bytes } from "./bytes.ts";
import { RoomMarks } from "./RoomMarks.tsx";
import { RoomMembers } from "./RoomMembers.tsx";
import { TypeName } from "./TypeName.tsx";
import { showUndo } from "./undo.tsx";

/** One room: what it is, who is in it, and what can be done about it. Nothing that was said there. */
export function RoomPage({ id }: { id: string }) {
  const { t } = useTranslation("admin");
  const [job, setJob] = useState<string | null>(null);
  const room = useQuery({ queryKey: ["admin", "room", id], queryFn: () => getRoom(id), staleTime: 0, enabled: job === null });
  if (job !== null) return <Deletion id={job} />;
  if (room.isError) {
    const gone = room.error instanceof ApiError && room.error.status === 404;
    return (
      <Alert color={gone ? "gray" : "red"} role="alert" title={t(gone ? "room.gone" : "list.failed")}>
        {gone ? null : errorText(room.error)}
      </Alert>
    );
  }
  if (!room.data) return <Skeleton height={240} role="status" aria-label={t("loading")} />;
  return (
    <>
      <Facts r={room.data} />
      <RoomMembers id={id} />
      <Acts r={room.data} onDelete={setJob} />
    </>
  );
}

function Facts({ r }: { r: RoomDetails }) {
  const { t, i18n } = useTranslation("admin");
  const { t: company } = useTranslation("company");
  const facts: [string, string][] = [
    [t("people.name"), r.name || t("room.unnamed")],
    [t("room.topic"), r.topic],
    [t("room.alias"), r.alias],
    [t("room.members"), String(r.joined_members)],
    [t("room.joinRule"), t(`joinRule.${r.join_rule}`, { defaultValue: r.join_rule })],
    [t("room.history"), t(`history.${r.history_visibility}`, { defaultValue: r.history_visibility })],
    [t("room.recorded"), t(r.recorded ? "kind.recorded" : "kind.unrecorded")],
    [t("room.retention"), r.max_lifetime === 0 ? t("room.kept") : t(r.own_max_lifetime > 0 ? "room.keptOwn" : "room.keptStandard", { age: ageWords(company, r.max_lifetime) })],
    [t("room.creator"), r.creator],
    [t("person.created"), moment(r.created, i18n.language)],
    [t("room.size"), `${bytes(r.bytes, i18n.language)} (${new Intl.NumberFormat(i18n.language).format(r.events)})`],
    [t("room.version"), r.version],
    [t("room.replaced"), r.replaced_by],
  ];
  return (
    <div style={{ marginBlockEnd: "2rem" }}>
      <RoomMarks r={r} />
      <DataList mt="md">
        {facts
          .filter(([, value]) => value !== "")
          .map(([label, value]) => (
            <DataList.Item key={label}>
              <DataList.ItemLabel>{label}</DataList.ItemLabel>
              <DataList.ItemValue style={{ overflowWrap: "anywhere" }}>{value}</DataList.ItemValue>
            </DataList.Item>
          ))}
      </DataList>
    </div>
  );
}

function Acts({ r, onDelete }: { r: RoomDetails; onDelete: (job: string) => void }) {
  const { t } = useTranslation("admin");
  const queries = useQueryClient();
  const { busy, act } = useAct();
  const [asked, setAsked] = useState<"delete" | "takeover" | null>(null);
  const refresh = () => queries.invalidateQueries({ queryKey: ["admin"] });
  const name = r.name || r.room_id;
  const setBlocked = async (on: boolean) => {
    const ok = await act(() => block(r.room_id, on).then(refresh));
    if (ok) showUndo(t(on ? "room.blockedNow" : "room.unblockedNow"), () => act(() => block(r.room_id, !on).then(refresh)));
  };
  return (
    <Section title={t("acts.title")}>
      {(r.orphaned || r.power_holder !== "") && (
        <Row label={t("room.takeOver")} text={r.power_holder === "" ? t("room.noHolder") : t("room.takeOverText")}>
          <Button variant="default" disabled={r.power_holder === ""} onClick={() => setAsked("takeover")}>
            {t("room.takeOver")}
          </Button>
        </Row>
      )}
      <Row label={t("room.block")} text={t("room.blockText")}>
        <Button variant="default" disabled={busy} onClick={() => void setBlocked(!r.blocked)}>
          {r.blocked ? t("room.unblock") : t("room.block")}
        </Button>
      </Row>
      <Row label={t("room.delete")} text={t("room.deleteText")}>
        <Button variant="outline" color="red" onClick={() => setAsked("delete")}>
          {t("room.deleteDots")}
        </Button>
      </Row>
      {asked === "takeover" && (
        <TypeName title={t("room.takeOver")} text={t("room.takeOverWarning", { holder: r.power_holder })} action={t("room.takeOver")} name={name} onClose={() => setAsked(null)} act={() => takeOver(r.room_id).then(refresh)} />
      )}
      {asked === "delete" && (
        <TypeName title={t("room.delete")} text={t("room.deleteWarning", { count: r.joined_members })} action={t("room.delete")} name={name} onClose={() => setAsked(null)} act={async () => onDelete((await deleteRoom(r.room_id)).job_id)} />
      )}
    </Section>
  );
}

/** How far a deletion has come. */
function Deletion({ id }: { id: string }) {
  const { t } = useTranslation("admin");
  const q = useQuery({ queryKey: ["admin", "job", id], queryFn: () => getJob(id), staleTime: 0, refetchInterval: (query) => (query.state.data?.phase === "done" ? false : 1000) });
  const j: Job | undefined = q.data;
  if (!j) return <Skeleton height={120} role="status" aria-label={t("loading")} />;
  const [done, all] = j.phase === "leaving" ? [j.members_left, j.members] : [j.events_removed, j.events];
  const percent = j.phase === "done" ? 100 : all === 0 ? 0 : Math.min(100, (done / all) * 100);
  return (
    <Section title={t("room.deleting", { name: j.name || j.room_id })}>
      <div style={{ padding: "1rem" }}>
        <Progress value={percent} size="lg" aria-label={t("room.delete")} />
        <Text mt="sm" role="status">
          {j.held ? t("phase.held") : t(`phase.${j.phase}`, { done, all })}
        </Text>
      </div>
    </Section>
  );
}

import { Button, Divider, Group, Modal, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PanelProps } from "@/app/panels.ts";
import { ban, invite, kick, type Member, type Powers, type Role, setRole, unban, useMembers, usePowers } from "@/matrix/members.ts";
import { myId } from "@/matrix/people.ts";
import { useAct } from "@/ui/act.ts";
import { Action } from "./Action.tsx";
import { PersonCard } from "./PersonCard.tsx";
import classes from "./Panel.module.css";

/** One person, and what they may do in this room. */
export function PersonPanel({ roomId }: PanelProps) {
  const { user } = useSearch({ from: "/signed-in/shell/room/$roomId" });
  const members = useMembers(roomId);
  const powers = usePowers(roomId);
  if (user === undefined) return null;
  const member = members.find((m) => m.id === user);
  return (
    <div className={classes.panel} key={user}>
      <PersonCard userId={user} roomId={roomId} />
      {member?.membership === "join" && (
        <>
          <Divider />
          <RoleOf roomId={roomId} member={member} powers={powers} />
        </>
      )}
      <Divider />
      <Moderation roomId={roomId} userId={user} member={member} powers={powers} />
    </div>
  );
}

const roles = ["admin", "moderator", "member"] as const;

function RoleOf({ roomId, member, powers }: { roomId: string; member: Member; powers: Powers }) {
  const { t } = useTranslation("rooms");
  const { busy, act } = useAct();
  const [wanted, setWanted] = useState<Exclude<Role, "owner"> | null>(null);
  const own = member.id === myId();
  // Nobody changes one who may do as much as they, or gives more than they have; oneself one may step down.
  const may = powers.roles && member.role !== "owner" && (own || member.power < powers.own);
  if (!may) {
    return (
      <div>
        <Text fw={600}>{t("role.title")}</Text>
        <Text size="sm">
          {t(`role.${member.role}`)}: {t(`role.${member.role}Help`)}
        </Text>
      </div>
    );
  }
  const change = (role: Exclude<Role, "owner">) => (own ? setWanted(role) : void act(() => setRole(roomId, member.id, role)));
  return (
    <>
      <Radio.Group label={t("role.title")} value={member.role} onChange={(v) => change(v as Exclude<Role, "owner">)}>
        <Stack gap="xs" mt={6}>
          {roles.map((r) => (
            <Radio key={r} value={r} label={t(`role.${r}`)} description={t(`role.${r}Help`)} disabled={busy || ({ admin: 100, moderator: 50, member: 0 }[r] > powers.own)} />
          ))}
        </Stack>
      </Radio.Group>
      <Modal opened={wanted !== null} onClose={() => setWanted(null)} title={t("role.stepDown")} closeButtonProps={{ "aria-label": t("close") }}>
        <Text>{t("role.stepDownHelp")}</Text>
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={() => setWanted(null)}>
            {t("cancel")}
          </Button>
          <Button
            color="red"
            onClick={() => {
              const role = wanted;
              setWanted(null);
              if (role) void act(() => setRole(roomId, member.id, role));
            }}
          >
            {t("role.stepDownDo")}
          </Button>
        </Group>
      </Modal>
    </>
  );
}

interface ModerationProps {
  roomId: string;
  userId: string;
  member: Member | undefined;
  powers: Powers;
}

function Moderation({ roomId, userId, member, powers }: ModerationProps) {
  const { t } = useTranslation("rooms");
  const { act } = useAct();
  const [asking, setAsking] = useState<"kick" | "ban" | null>(null);
  if (userId === myId()) return null;
  const below = (member?.power ?? 0) < powers.own;
  const membership = member?.membership;
  return (
    <div className={classes.actions}>
      {powers.invite && membership === undefined && <Action icon="invite" label={t("person.invite")} onClick={() => void act(() => inviteOne(roomId, userId), t("invite.sent", { count: 1 }))} />}
      {powers.invite && membership === "knock" && <Action icon="check" label={t("knock.letIn")} onClick={() => void act(() => inviteOne(roomId, userId))} />}
      {powers.kick && below && (membership === "join" || membership === "invite" || membership === "knock") && (
        <Action icon="leave" danger label={membership === "join" ? t("person.kick") : t("person.withdraw")} onClick={() => setAsking("kick")} />
      )}
      {powers.ban && below && membership !== "ban" && <Action icon="close" danger label={t("person.ban")} onClick={() => setAsking("ban")} />}
      {powers.ban && membership === "ban" && (
        <>
          <Text size="sm" c="var(--quiet)">
            {member?.reason ? t("person.bannedFor", { reason: member.reason }) : t("person.banned")}
          </Text>
          <Action icon="check" label={t("person.unban")} onClick={() => void act(() => unban(roomId, userId))} />
        </>
      )}
      {asking && <Remove kind={asking} roomId={roomId} userId={userId} name={member?.name ?? userId} onClose={() => setAsking(null)} />}
    </div>
  );
}

async function inviteOne(roomId: string, userId: string): Promise<void> {
  const [refused] = await invite(roomId, [userId]);
  if (refused) throw new Error(refused.reason);
}

function Remove({ kind, roomId, userId, name, onClose }: { kind: "kick" | "ban"; roomId: string; userId: string; name: string; onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const [reason, setReason] = useState("");
  const { busy, act } = useAct();
  const go = async () => {
    if (await act(() => (kind === "kick" ? kick : ban)(roomId, userId, reason.trim()))) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t(`person.${kind}Title`, { name })} closeButtonProps={{ "aria-label": t("close") }}>
      <Stack>
        <Text>{t(`person.${kind}Help`)}</Text>
        <TextInput label={t("person.reason")} data-autofocus value={reason} onChange={(e) => setReason(e.currentTarget.value)} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("cancel")}
          </Button>
          <Button color="red" loading={busy} onClick={() => void go()}>
            {t(`person.${kind}`)}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

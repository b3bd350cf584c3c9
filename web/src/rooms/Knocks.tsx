import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { invite, kick, type Member, useMembers, usePowers } from "@/matrix/members.ts";
import { useAct } from "@/ui/act.ts";
import { Face } from "./Face.tsx";
import classes from "./RoomHeader.module.css";

/** People who ask to be let in, for those who may decide. */
export function Knocks({ roomId }: { roomId: string }) {
  const powers = usePowers(roomId);
  if (!powers.invite && !powers.kick) return null;
  return <Asking roomId={roomId} mayInvite={powers.invite} mayRefuse={powers.kick} />;
}

function Asking({ roomId, mayInvite, mayRefuse }: { roomId: string; mayInvite: boolean; mayRefuse: boolean }) {
  const asking = useMembers(roomId).filter((m) => m.membership === "knock");
  return asking.slice(0, 3).map((m) => <Knock key={m.id} roomId={roomId} member={m} mayInvite={mayInvite} mayRefuse={mayRefuse} />);
}

function Knock({ roomId, member, mayInvite, mayRefuse }: { roomId: string; member: Member; mayInvite: boolean; mayRefuse: boolean }) {
  const { t } = useTranslation("rooms");
  const { busy, act } = useAct();
  return (
    <div className={classes.bar} role="status">
      <Face userId={member.id} name={member.name} mxc={member.avatar} size={28} />
      <span style={{ flex: 1, minInlineSize: "10rem" }}>
        {t("knock.asks", { name: member.name })} {member.reason && `“${member.reason}”`}
      </span>
      {mayInvite && (
        <Button size="xs" loading={busy} onClick={() => void act(() => invite(roomId, [member.id]))}>
          {t("knock.letIn")}
        </Button>
      )}
      {mayRefuse && (
        <Button size="xs" variant="default" disabled={busy} onClick={() => void act(() => kick(roomId, member.id))}>
          {t("knock.refuse")}
        </Button>
      )}
    </div>
  );
}

import { Button, Text, TextInput, Title, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { PanelProps } from "@/app/panels.ts";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { type Member, useMembers, usePowers } from "@/matrix/members.ts";
import { useRoomHead } from "@/matrix/room.ts";
import { Face } from "../Face.tsx";
import { fit } from "../fuzzy.ts";
import { Icon } from "@/ui/Icon.tsx";
import { openDialog } from "../state.ts";
import classes from "./Panel.module.css";

/** The people of a room. */
export function MembersPanel({ roomId }: PanelProps) {
  const { t } = useTranslation("rooms");
  const head = useRoomHead(roomId);
  const powers = usePowers(roomId);
  const all = useMembers(roomId);
  const [words, setWords] = useState("");
  const shown = all.filter((m) => words.trim() === "" || fit(words, m.name) > 0 || fit(words, m.id) > 0);
  return (
    <div className={classes.full}>
      <Title order={2} size="h4" className={classes.pad}>
        {t("members.count", { count: head.members })}
      </Title>
      <div className={classes.pad} style={{ display: "flex", gap: 8 }}>
        <TextInput type="search" flex={1} aria-label={t("members.search")} placeholder={t("members.search")} value={words} onChange={(e) => setWords(e.currentTarget.value)} />
        {powers.invite && (
          <Button leftSection={<Icon name="invite" />} onClick={() => openDialog({ kind: "invite", roomId })}>
            {t("invite.button")}
          </Button>
        )}
      </div>
      <MemberList roomId={roomId} members={shown} />
    </div>
  );
}

function MemberList({ roomId, members }: { roomId: string; members: Member[] }) {
  const { t } = useTranslation("rooms");
  const scroll = useRef<HTMLDivElement>(null);
  const navigate = useNavigate();
  const virtual = useVirtualizer({ count: members.length, getScrollElement: () => scroll.current, estimateSize: () => 54, overscan: 8, getItemKey: (i) => members[i]?.id ?? i });
  const note = (m: Member) => (m.membership === "join" ? (m.role === "member" ? "" : t(`role.${m.role}`)) : t(`members.${m.membership}`));
  return (
    <div className={classes.scroll} ref={scroll}>
      <ul className={classes.list} aria-label={t("members.title")} style={{ blockSize: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((v) => {
          const m = members[v.index] as Member;
          return (
            <li key={v.key} className={classes.item} aria-setsize={members.length} aria-posinset={v.index + 1} style={{ transform: `translateY(${v.start}px)` }}>
              <UnstyledButton className={classes.member} onClick={() => void navigate({ to: "/room/$roomId", params: { roomId }, search: { panel: "person", user: m.id } })}>
                <Face userId={m.id} name={m.name} mxc={m.avatar} size={36} spoken />
                <span style={{ minInlineSize: 0 }}>
                  <Text truncate size="sm" fw={550}>
                    {m.name} <ExternalMark userId={m.id} />
                  </Text>
                  <Text truncate className={classes.quiet}>
                    {m.id}
                  </Text>
                </span>
                <span className={classes.quiet}>{note(m)}</span>
              </UnstyledButton>
            </li>
          );
        })}
      </ul>
      {members.length === 0 && (
        <Text p="md" c="var(--quiet)">
          {t("noneFound")}
        </Text>
      )}
    </div>
  );
}

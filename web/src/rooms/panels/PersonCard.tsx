import { Button, Group, Text, Title, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { clockOptions } from "@/app/appearance.ts";
import { ExternalMark } from "@/company/ExternalMark.tsx";
import { startChat } from "@/matrix/create.ts";
import { myId, setIgnored, useIgnored, usePerson, useSharedRooms } from "@/matrix/people.ts";
import { usePresence } from "@/matrix/presence.ts";
import { PersonKeys } from "@/verify/PersonKeys.tsx";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { Face } from "../Face.tsx";
import { agoWords } from "../words.ts";
import classes from "./Panel.module.css";
import dialog from "../Dialogs.module.css";

/** A person: who they are, whether they are there, and what one can do. */
export function PersonCard({ userId, roomId }: { userId: string; roomId: string }) {
  const { t, i18n } = useTranslation("rooms");
  const person = usePerson(userId);
  const presence = usePresence(userId);
  const ignored = useIgnored(userId);
  const shared = useSharedRooms(userId).filter((r) => r.id !== roomId);
  const navigate = useNavigate();
  const { busy, act } = useAct();
  const own = userId === myId();
  const open = (id: string) => navigate({ to: "/room/$roomId", params: { roomId: id } });
  const there = presence.state === "unknown" ? "" : presence.state === "offline" && presence.lastActive > 0 ? t("presence.lastSeen", { when: agoWords(presence.lastActive, i18n.language) }) : t(`presence.${presence.state}`);
  return (
    <>
      <div className={classes.top}>
        <Face userId={userId} name={person.name} mxc={person.avatar} size={80} />
        <Title order={2} size="h4">
          {person.name}
        </Title>
        <Text size="sm" c="var(--quiet)" style={{ overflowWrap: "anywhere" }}>
          {userId} <ExternalMark userId={userId} />
        </Text>
        <Text size="sm">{[there, person.status || presence.status, localTime(person.timezone, i18n.language)].filter((s) => s !== "").join(" · ")}</Text>
        {ignored && <Text size="sm">{t("person.ignored")}</Text>}
      </div>
      {!own && (
        <Group justify="center" gap="xs">
          <Button size="xs" loading={busy} onClick={() => void act(async () => open(await startChat([userId])))}>
            {t("person.message")}
          </Button>
          <Button size="xs" variant="default" disabled={busy} onClick={() => void act(() => setIgnored(userId, !ignored))}>
            {ignored ? t("person.unignore") : t("person.ignore")}
          </Button>
        </Group>
      )}
      {!own && <PersonKeys userId={userId} />}
      {shared.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {t("person.shared")}
          </Text>
          <ul className={dialog.results} style={{ blockSize: "auto", maxBlockSize: "12rem" }} aria-label={t("person.shared")}>
            {shared.map((r) => (
              <li key={r.id}>
                <UnstyledButton className={dialog.result} onClick={() => void open(r.id)}>
                  <Avatar id={r.id} name={r.name} mxc={r.avatar} size={26} />
                  <Text truncate size="sm">
                    {r.name}
                  </Text>
                </UnstyledButton>
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  );
}

/** The time where a person is, if they say where. */
function localTime(zone: string, language: string): string {
  if (zone === "") return "";
  try {
    return new Date().toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit", timeZone: zone, timeZoneName: "short", ...clockOptions() });
  } catch {
    return "";
  }
}

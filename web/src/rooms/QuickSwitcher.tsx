import { Modal, Text, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useClientState } from "@/matrix/client.ts";
import { startChat } from "@/matrix/create.ts";
import { isExternal } from "@/matrix/company.ts";
import { readTarget } from "@/matrix/directory.ts";
import { useRoomRows } from "@/matrix/rooms.ts";
import { flat, useSpaces } from "@/matrix/spaces.ts";
import { useSearchFor } from "@/search/keys.ts";
import { Avatar } from "@/ui/Avatar.tsx";
import { useAct } from "@/ui/act.ts";
import { Face } from "./Face.tsx";
import { fit } from "./fuzzy.ts";
import { Icon, type IconName } from "@/ui/Icon.tsx";
import { usePeople } from "./PeoplePicker.tsx";
import { openDialog } from "./state.ts";
import classes from "./QuickSwitcher.module.css";

interface Choice {
  key: string;
  name: string;
  note: string;
  fits: number;
  face: ReactNode;
  run: () => void;
}

/** Goes anywhere by a few letters: rooms, people of the organisation, spaces, and what one can do. */
export function QuickSwitcher({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("rooms");
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const choices = useChoices(query, onClose);
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const chosen = Math.min(at, choices.length - 1);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
    if (step !== undefined) {
      e.preventDefault();
      setAt((chosen + step + choices.length) % Math.max(1, choices.length));
    } else if (e.key === "Enter") {
      e.preventDefault();
      choices[chosen]?.run();
    }
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} yOffset="12dvh" size="lg" aria-label={t("switch.open")}>
      <TextInput
        variant="unstyled"
        className={classes.input}
        size="md"
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls={`${id}-list`}
        aria-activedescendant={choices.length > 0 ? `${id}-${chosen}` : undefined}
        aria-label={t("switch.label")}
        placeholder={t("switch.label")}
        leftSection={<Icon name="search" />}
        value={query}
        onChange={(e) => {
          setQuery(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
      />
      <ul className={classes.list} id={`${id}-list`} role="listbox" aria-label={t("switch.results")} ref={list}>
        {choices.map((c, i) => (
          <li key={c.key} id={`${id}-${i}`} role="option" aria-selected={i === chosen} className={classes.choice} onClick={c.run} onMouseMove={() => setAt(i)}>
            {c.face}
            <span className={classes.name}>{c.name}</span>
            <Text size="sm" c="var(--quiet)" truncate>
              {c.note}
            </Text>
          </li>
        ))}
      </ul>
      {choices.length === 0 && (
        <Text p="md" c="var(--quiet)" role="status">
          {t("switch.none")}
        </Text>
      )}
    </Modal>
  );
}

function useChoices(query: string, onClose: () => void): Choice[] {
  const { t } = useTranslation("rooms");
  const rows = useRoomRows();
  const spaces = flat(useSpaces());
  const { people } = usePeople(query);
  const caughtUp = useClientState((s) => s.caughtUp); // before that, nobody knows whether there is a chat with them already
  const navigate = useNavigate();
  const { act } = useAct();
  const search = useSearchFor();
  const toRoom = (roomId: string) => () => {
    onClose();
    void navigate({ to: "/room/$roomId", params: { roomId } });
  };
  const rooms: Choice[] = rows.map((r, i) => ({
    key: r.id,
    name: r.name,
    note: r.mentions > 0 ? t("mentions", { count: r.mentions }) : r.unread > 0 ? t("unread", { count: r.unread }) : "",
    // What is higher in the list wins where both fit alike.
    fits: fit(query, r.name) + (rows.length - i) / rows.length,
    face: r.direct ? <Face userId={r.direct} name={r.name} mxc={r.avatar} size={30} /> : <Avatar id={r.id} name={r.name} mxc={r.avatar} size={30} />,
    run: toRoom(r.id),
  })).filter((c) => c.fits >= 1.01 || query === "");
  const known = new Set(rows.map((r) => r.direct));
  const others: Choice[] = query.trim() === "" || !caughtUp ? [] : people.filter((p) => !known.has(p.id)).map((p) => ({
    key: p.id,
    name: p.name,
    note: isExternal(p.id) ? p.id : t("switch.person"),
    fits: Math.max(fit(query, p.name), fit(query, p.id), 5) - 1,
    face: <Face userId={p.id} name={p.name} mxc={p.avatar} size={30} />,
    run: () => void act(async () => toRoom(await startChat([p.id]))()),
  }));
  const inSpaces: Choice[] = [...new Map(spaces.map(({ space }) => [space.id, space])).values()].map((s) => ({
    key: s.id,
    name: s.name,
    note: t("space.one"),
    fits: fit(query, s.name) - 2,
    face: <Avatar id={s.id} name={s.name} mxc={s.avatar} size={30} />,
    run: () => {
      onClose();
      void navigate({ to: "/space/$spaceId", params: { spaceId: s.id } });
    },
  }));
  const act1 = (key: string, icon: IconName, name: string, run: () => void): Choice => ({ key, name, note: t("switch.action"), fits: fit(query, name) - 3, face: <span className={classes.icon}><Icon name={icon} /></span>, run });
  const actions = [
    act1("chat", "person", t("new.chat"), () => openDialog({ kind: "chat" })),
    act1("room", "hash", t("new.room"), () => openDialog({ kind: "room", space: "", of: "room" })),
    act1("space", "space", t("space.new"), () => openDialog({ kind: "room", space: "", of: "space" })),
    act1("explore", "compass", t("explore.title"), () => (onClose(), void navigate({ to: "/explore" }))),
    act1("join", "link", t("join.title"), () => openDialog({ kind: "join", text: "" })),
    act1("settings", "settings", t("me.settings"), () => (onClose(), void navigate({ to: "/settings" }))),
  ];
  if (query.trim() === "") return [...rooms.slice(0, 12), ...actions];
  const messages: Choice = { ...act1("messages", "search", t("searchFor", { words: query.trim() }), () => (onClose(), search(query.trim()))), fits: 0.01 };
  const target = readTarget(query);
  const links: Choice[] = target?.kind === "room" ? [{ ...act1("link", "link", t("switch.link", { id: target.id }), () => openDialog({ kind: "join", text: query })), fits: 200 }] : [];
  return [...links, ...rooms, ...others, ...inSpaces, ...actions].filter((c) => c.fits > 0).sort((a, b) => b.fits - a.fits).slice(0, 30).concat(messages);
}

import { Button, Progress, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { endPoll, usePoll, vote } from "@/matrix/poll.ts";
import { tell } from "./acts.ts";
import { Icon } from "@/ui/Icon.tsx";
import classes from "./Parts.module.css";
import { useTimelineHandle } from "./state.ts";

/** A poll: one vote by a click, another click changes it; the one who asked may end it. */
export function Poll({ id }: { id: string }) {
  const { t } = useTranslation("timeline");
  const { roomId } = useTimelineHandle().place;
  const poll = usePoll(roomId, id);
  // What was clicked shows at once; the vote itself comes with the room's messages.
  const [clicked, setClicked] = useState<string[] | null>(null);
  if (poll === null) return <Text c="var(--quiet)">{t("poll.broken")}</Text>;
  const mine = clicked ?? poll.answers.filter((a) => a.mine).map((a) => a.id);
  const choose = (answer: string) => {
    const chosen = mine.includes(answer) ? mine.filter((a) => a !== answer) : poll.max === 1 ? [answer] : [...mine, answer].slice(-poll.max);
    setClicked(chosen);
    // A later click has its own end.
    void tell(vote(roomId, id, chosen), t).finally(() => setClicked((now) => (now === chosen ? null : now)));
  };
  const winners = poll.answers.filter((a) => a.winner).map((a) => a.text);
  const end = () => void tell(endPoll(roomId, id, t("poll.endText", { answer: winners.join(", ") || poll.question })), t);
  return (
    <fieldset className={classes.poll} disabled={poll.ended}>
      <legend>
        <Icon name="poll" size={16} /> {poll.question}
      </legend>
      {poll.answers.map((a) => {
        const percent = poll.people === 0 ? 0 : Math.round((a.votes / poll.people) * 100);
        return (
          <label key={a.id} className={classes.answer} data-winner={a.winner || undefined}>
            <input type={poll.max === 1 ? "radio" : "checkbox"} name={`poll ${id}`} checked={mine.includes(a.id)} onChange={() => choose(a.id)} onClick={() => mine.includes(a.id) && poll.max === 1 && choose(a.id)} />
            <span>{a.text}</span>
            {poll.open && (
              <span className={classes.votes} title={a.voters.map((v) => v.name).join(", ")}>
                {t("poll.votes", { count: a.votes })}
              </span>
            )}
            {poll.open && <Progress className={classes.meter} value={percent} aria-hidden size="sm" />}
          </label>
        );
      })}
      <div className={classes.pollFoot}>
        <Text span size="sm" c="var(--quiet)">
          {poll.ended ? t("poll.ended", { count: poll.people }) : poll.open ? t("poll.people", { count: poll.people }) : t("poll.hidden", { count: poll.people })}
          {poll.max > 1 && !poll.ended ? ` · ${t("poll.max", { max: poll.max })}` : ""}
        </Text>
        {poll.canEnd && (
          <Button size="compact-sm" variant="subtle" onClick={end}>
            {t("poll.end")}
          </Button>
        )}
      </div>
    </fieldset>
  );
}

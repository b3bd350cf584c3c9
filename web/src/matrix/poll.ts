import { type MatrixEvent } from "matrix-js-sdk";
import { useEffect, useState } from "react";
import { client } from "./client.ts";
import { type Person, personOf } from "./message.ts";
import { sendOrDrop } from "./outbox.ts";
import { fetchEvent, findEvent, roomChanges } from "./relations.ts";
import { same } from "./timelineSame.ts";
import { useView } from "./subscribe.ts";

/** What a poll asks. Spec: MSC3381 */
export interface Question {
  text: string;
  answers: { id: string; text: string }[];
  disclosed: boolean;
  max: number;
}

export interface Answer {
  id: string;
  text: string;
  votes: number;
  mine: boolean;
  winner: boolean;
  voters: Person[];
}

export interface PollView {
  question: string;
  answers: Answer[];
  max: number;
  people: number; // who have voted
  ended: boolean;
  /** Whether the votes are shown: an undisclosed poll shows them at its end. */
  open: boolean;
  canEnd: boolean;
}

const unstable = "org.matrix.msc3381.poll";
type Content = Record<string, unknown>;
const object = (v: unknown): Content => (typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Content) : {});

/** The text of an extensible event, stable or not. */
function textOf(v: unknown): string {
  const o = object(v);
  if (typeof v === "string") return v;
  const stable = o["m.text"];
  if (Array.isArray(stable)) return String(object(stable.find((t) => (object(t).mimetype ?? "text/plain") === "text/plain")).body ?? "");
  return String(o["org.matrix.msc1767.text"] ?? stable ?? o.body ?? "");
}

/** Reads the question of a poll; null if it is malformed. */
export function questionOf(content: Content): Question | null {
  const poll = object(content["m.poll"] ?? content["m.poll.start"] ?? content[`${unstable}.start`]);
  const answers = (Array.isArray(poll.answers) ? poll.answers : [])
    .map((a) => ({ id: String(object(a)["m.id"] ?? object(a).id ?? ""), text: textOf(a) }))
    .filter((a) => a.id !== "")
    .slice(0, 20);
  if (answers.length === 0) return null;
  const max = Number(poll.max_selections ?? 1);
  return {
    text: textOf(poll.question),
    answers,
    disclosed: !String(poll.kind ?? "").endsWith("undisclosed"),
    max: Number.isInteger(max) && max > 0 ? Math.min(max, answers.length) : 1,
  };
}

/** The question of a poll that waits to be sent; null for other messages. */
export const pollOf = ({ type, content }: { type: string; content: Content }): Question | null => (type === `${unstable}.start` ? questionOf(content) : null);

/** A vote, as one event says it. */
export interface Vote {
  sender: string;
  at: number;
  id: string;
  choices: string[];
}

function choicesOf(content: Content): string[] {
  const chosen = content["m.selections"] ?? object(content["m.poll.response"] ?? content[`${unstable}.response`]).answers;
  return Array.isArray(chosen) ? chosen.filter((c): c is string => typeof c === "string") : [];
}

/** The last vote of each person that was cast before the end, cut to what the poll allows; who chose something unknown has no vote. */
export function tally(question: Question, votes: Vote[], end: number): Map<string, string[]> {
  const known = new Set(question.answers.map((a) => a.id));
  const last = new Map<string, Vote>();
  for (const v of votes) {
    const old = last.get(v.sender);
    if (v.at <= end && (old === undefined || v.at > old.at || (v.at === old.at && v.id > old.id))) last.set(v.sender, v);
  }
  const counted = new Map<string, string[]>();
  for (const [sender, v] of last) {
    const choices = [...new Set(v.choices.slice(0, question.max))];
    if (choices.length > 0 && choices.every((c) => known.has(c))) counted.set(sender, choices);
  }
  return counted;
}

const responseTypes = ["m.poll.response", `${unstable}.response`];
const endTypes = ["m.poll.end", `${unstable}.end`];

function related(roomId: string, id: string, types: string[], older: MatrixEvent[]): MatrixEvent[] {
  const room = client().getRoom(roomId);
  const here = types.flatMap((type) => room?.relations.getChildEventsForEvent(id, "m.reference", type)?.getRelations() ?? []);
  const all = new Map([...older, ...here].filter((e) => types.includes(e.getType()) && !e.isRedacted() && e.status !== "not_sent" && e.status !== "cancelled").map((e) => [e.getId(), e] as const));
  return [...all.values()];
}

function compute(roomId: string, id: string, older: MatrixEvent[]): PollView | null {
  const room = client().getRoom(roomId);
  const start = findEvent(roomId, id);
  const question = start === null ? null : questionOf(start.getContent());
  if (!room || start === null || question === null) return null;
  const me = client().getSafeUserId();
  const mayEnd = (user: string) => user === start.getSender() || room.currentState.maySendRedactionForEvent(start, user);
  const ends = related(roomId, id, endTypes, older).filter((e) => mayEnd(e.getSender() ?? ""));
  const end = ends.length === 0 ? Infinity : Math.min(...ends.map((e) => e.getTs()));
  const votes = related(roomId, id, responseTypes, older).map((e) => ({ sender: e.getSender() ?? "", at: e.getTs(), id: e.getId() ?? "", choices: choicesOf(e.getContent()) }));
  const counted = tally(question, votes, end);
  const ended = end !== Infinity;
  const open = ended || question.disclosed;
  const votersOf = (answer: string) => [...counted].filter(([, chosen]) => chosen.includes(answer)).map(([user]) => user);
  const most = Math.max(...question.answers.map((a) => votersOf(a.id).length));
  return {
    question: question.text,
    answers: question.answers.map(({ id: answer, text }) => {
      const voters = votersOf(answer);
      return {
        id: answer,
        text,
        votes: open ? voters.length : 0,
        mine: voters.includes(me),
        winner: ended && most > 0 && voters.length === most,
        voters: open ? voters.map((v) => personOf(room, v)) : [],
      };
    }),
    max: question.max,
    people: counted.size,
    ended,
    open,
    canEnd: !ended && start.status === null && mayEnd(me),
  };
}

/** A poll with its votes; null while it is not there. */
export function usePoll(roomId: string, id: string): PollView | null {
  const [older, setOlder] = useState<MatrixEvent[]>([]);
  useEffect(() => {
    let gone = false;
    void (async () => {
      if (id.startsWith("~") || (await fetchEvent(roomId, id)) === null) return;
      const events: MatrixEvent[] = [];
      let from: string | undefined;
      do {
        const page = await client().relations(roomId, id, "m.reference", null, from === undefined ? {} : { from });
        events.push(...page.events);
        from = page.nextBatch ?? undefined;
      } while (from !== undefined && events.length < 5000);
      if (!gone) setOlder(events);
    })().catch(() => undefined);
    return () => {
      gone = true;
    };
  }, [roomId, id]);
  return useView(`poll ${roomId} ${id} ${older.length}`, () => roomChanges(roomId), () => compute(roomId, id, older), same);
}

const reference = (id: string) => ({ "m.relates_to": { rel_type: "m.reference", event_id: id } });

async function send(roomId: string, id: string, type: string, content: Content): Promise<void> {
  await sendOrDrop(roomId, findEvent(roomId, id)?.threadRootId ?? null, type, content);
}

/** Votes, instead of what the user voted before. No answers take the vote back. */
export async function vote(roomId: string, id: string, answers: string[]): Promise<void> {
  await send(roomId, id, `${unstable}.response`, { ...reference(id), [`${unstable}.response`]: { answers } });
}

/** Ends a poll: no vote counts after it. */
export async function endPoll(roomId: string, id: string, text: string): Promise<void> {
  await send(roomId, id, `${unstable}.end`, { ...reference(id), [`${unstable}.end`]: {}, "org.matrix.msc1767.text": text, body: text });
}

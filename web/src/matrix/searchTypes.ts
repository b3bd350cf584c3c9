/** What a message has beside words. */
export type Kind = "file" | "image" | "video" | "audio" | "link" | "poll";

/** A message for the index. */
export interface Entry {
  id: string;
  ts: number;
  sender: string;
  text: string;
  kinds: Kind[];
}

/** A text that takes the place of a message's, if the same person wrote it. */
export interface Edit extends Entry {
  target: string;
}

/** A part of a room's history that is to be read, backwards: from a place (null: the newest end) to an event (null: the beginning). */
export interface Job {
  from: string | null;
  until: string | null;
  at: number; // the time that was reached
}

/** How far the index of a room is. */
export interface RoomState {
  roomId: string;
  /** Whether its history has been taken up at all. */
  begun: boolean;
  /** The newest message that was seen. */
  newest: string | null;
  jobs: Job[];
  /** Messages whose keys were not there yet, with their time. */
  missing: [id: string, ts: number][];
  /** There were too many of those to name: when keys come, the room is read again. */
  again: boolean;
}

/** What happened in a room. */
export interface Change {
  end: "live" | "history";
  add?: Entry[];
  edits?: Edit[];
  remove?: string[];
  missing?: [id: string, ts: number][];
  newest?: string;
  /** The room's history is taken up. */
  begin?: true;
  /** A part of its history is to be read. */
  addJob?: Job;
  /** A part of its history was read further; null: to its end. */
  job?: { was: Job; now: Job | null };
}

/** What the change led to. */
export interface Changed {
  /** Messages that lost an edit: what they say now has to be asked for. */
  refresh: string[];
}

/** What the index offers to who fills it. */
export interface Sink {
  state(roomId: string): Promise<RoomState>;
  /** Which of these messages the index does not have. */
  unknown(roomId: string, ids: readonly string[]): Promise<string[]>;
  apply(roomId: string, change: Change): Promise<Changed>;
  removeRoom(roomId: string): Promise<void>;
  keepRooms(roomIds: readonly string[]): Promise<void>;
  /** How long rooms keep their messages, in milliseconds; null: for ever. */
  setLifetimes(lifetimes: Readonly<Record<string, number | null>>): Promise<void>;
  /** The part of all rooms' history that is nearest to now; null: everything was read. */
  nextJob(): Promise<{ roomId: string; job: Job } | null>;
  /** Gives the messages whose keys were missing and that are not older, and forgets which these were; rooms with too many are to be read again. */
  takeMissing(since: number): Promise<{ roomId: string; ids: string[] }[]>;
}

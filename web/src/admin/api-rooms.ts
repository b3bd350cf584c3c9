import { api } from "@/matrix/api.ts";
import { address } from "./api.ts";

export interface RoomItem {
  room_id: string;
  name: string;
  alias: string;
  version: string;
  creator: string;
  created: number;
  last_activity: number;
  joined_members: number;
  events: number;
  bytes: number;
  encrypted: boolean;
  recorded: boolean;
  space: boolean;
  public: boolean;
  published: boolean;
  orphaned: boolean;
  blocked: boolean;
}

export interface RoomDetails extends RoomItem {
  topic: string;
  join_rule: string;
  history_visibility: string;
  own_max_lifetime: number; // milliseconds; 0: the room says nothing
  max_lifetime: number; // what holds; 0: for ever
  invited_members: number;
  banned_members: number;
  state: Record<string, number>;
  replaced_by: string;
  power_holder: string;
}

export interface RoomMember {
  user_id: string;
  display_name: string;
  membership: "join" | "invite" | "knock" | "leave" | "ban";
  power_level: number;
}

export interface Job {
  job_id: string;
  room_id: string;
  name: string;
  created_by: string;
  phase: "leaving" | "purging" | "done";
  created: number;
  finished: number;
  members: number;
  members_left: number;
  events: number;
  events_removed: number;
  held: boolean; // a legal hold keeps the events
}

const room = (id: string) => `rooms/${encodeURIComponent(id)}`;
const act = <T>(path: string) => api<T>(address(path), { method: "POST", body: {} });

export const getRoom = (id: string) => api<RoomDetails>(address(room(id)));
export const takeOver = (id: string) => act<RoomDetails>(`${room(id)}/takeover`);
export const block = (id: string, on: boolean) => act<RoomDetails>(`${room(id)}/${on ? "block" : "unblock"}`);
export const deleteRoom = (id: string) => act<Job>(`${room(id)}/delete`);
export const getJob = (id: string) => api<Job>(address(`jobs/${encodeURIComponent(id)}`));

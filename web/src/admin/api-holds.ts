import { api, rawApi } from "@/matrix/api.ts";
import { address, saveFile } from "./api.ts";

export interface Hold {
  hold_id: string;
  case: string;
  reason: string;
  custodian: string; // a user id; "" everybody
  room: string; // a room id; "" all rooms
  since: number;
  until: number;
  created: number;
  created_by: string;
  released: number; // 0: it is in force
  released_by: string;
}

export interface NewHold {
  case: string;
  reason: string;
  custodian?: string;
  room?: string;
  since?: number;
  until?: number;
}

/** What a hold was the last to keep. */
export interface Due {
  rooms: number;
  messages: number;
  redacted: number;
  files: number;
  room_deletions: number;
  accounts: number;
  keys: number;
}

export interface Stay {
  why: "hold" | "state" | "archive";
  events: number;
  rooms: number;
  account?: boolean;
}

export interface Erased {
  messages: number;
  rooms: number;
  stays: Stay[];
}

const act = <T>(path: string, body: unknown) => api<T>(address(path), { method: "POST", body });
const person = (userId: string) => `people/${encodeURIComponent(userId)}`;

export const placeHold = (h: NewHold) => act<Hold>("holds", h);
export const releaseHold = (h: Hold, typed: string) => act<{ hold: Hold; due: Due }>(`holds/${encodeURIComponent(h.hold_id)}/release`, { case: typed });

export const erasePerson = (userId: string) => act<Erased>(`${person(userId)}/erase`, {});

/** Saves a copy of all that the server has of a person. */
export async function exportPerson(userId: string): Promise<void> {
  const response = await rawApi(address(`${person(userId)}/export`));
  const name = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? "data.zip";
  saveFile(await response.blob(), name);
}

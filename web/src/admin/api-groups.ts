import { api } from "@/matrix/api.ts";
import { address, list } from "./api.ts";

export interface GroupItem {
  group_id: string;
  name: string;
  members: number;
  created: number;
}

export interface GroupMember {
  user_id: string;
  display_name: string;
  added: number;
}

const group = (id: string) => `groups/${encodeURIComponent(id)}`;

export const getGroup = (id: string) => api<GroupItem>(address(group(id)));
export const allGroups = () => list<GroupItem>("groups", { limit: 500 }).then((p) => p.items);
export const createGroup = (id: string, name: string) => api<GroupItem>(address("groups"), { method: "POST", body: { group_id: id, ...(name === "" ? {} : { name }) } });
export const renameGroup = (id: string, name: string) => api<GroupItem>(address(group(id)), { method: "PUT", body: { name } });
export const deleteGroup = (id: string) => api<object>(address(group(id)), { method: "DELETE", body: {} });
export const changeMembers = (id: string, change: { add?: string[]; remove?: string[] }) => api<GroupItem>(address(`${group(id)}/members`), { method: "POST", body: change });

/** An id made of a name: what the server takes as one. */
export function slug(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll("ß", "ss")
    .replaceAll(/[äöü]/g, (c) => ({ ä: "ae", ö: "oe", ü: "ue" })[c] ?? c)
    .normalize("NFKD")
    .replaceAll(/\p{Mn}/gu, "")
    .replaceAll(/[^a-z0-9._]+/g, "-")
    .replaceAll(/^[-._]+|-+$/g, "")
    .slice(0, 64);
}

export const badId = (id: string) => !/^[a-z0-9][a-z0-9._-]{0,63}$/.test(id);

import { changeAccountData, useAccountData } from "./accountdata.ts";

const ignoredType = "m.ignored_user_list";
// Spec: cs#invite-permission
const invitesType = "m.invite_permission_config";

const object = (v: unknown): Record<string, unknown> => (typeof v === "object" && v !== null ? (v as Record<string, unknown>) : {});

/** The people whose messages and invitations the user does not see. */
export const useIgnored = (): string[] => Object.keys(object(useAccountData(ignoredType).ignored_users)).sort();

export const setIgnored = (userId: string, on: boolean): Promise<void> =>
  changeAccountData(ignoredType, (now) => {
    const users = { ...object(now.ignored_users) };
    if (on) users[userId] = {};
    else delete users[userId];
    return { ...now, ignored_users: users };
  });

/** Whether all invitations are refused. */
export const useInvitesBlocked = (): boolean => useAccountData(invitesType).default_action === "block";

export const setInvitesBlocked = (on: boolean): Promise<void> =>
  changeAccountData(invitesType, (now) => {
    const { default_action: _, ...rest } = now;
    return on ? { ...rest, default_action: "block" } : rest;
  });

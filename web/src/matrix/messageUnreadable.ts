/**
 * Why a message cannot be read, as its reader sees it. `waiting`: the key may still come. `before`: it was sent when the user or this
 * device was not there. `withheld`: the sender's device does not give the key to this device, or is not to be trusted.
 */
export interface Unreadable {
  kind: "waiting" | "before" | "withheld";
  /** The exact cause, a name of a text. */
  cause: "key" | "backup" | "unconfigured" | "noBackup" | "notJoined" | "laterKey" | "withheld" | "unverifiedHere" | "senderChanged" | "unsigned" | "unknownDevice";
  /** Whether something on the page of encryption mends it. */
  repair: boolean;
}

const known: Record<string, Unreadable> = {
  MEGOLM_UNKNOWN_INBOUND_SESSION_ID: { kind: "waiting", cause: "key", repair: false },
  HISTORICAL_MESSAGE_WORKING_BACKUP: { kind: "waiting", cause: "backup", repair: false },
  OLM_UNKNOWN_MESSAGE_INDEX: { kind: "before", cause: "laterKey", repair: false },
  HISTORICAL_MESSAGE_NO_KEY_BACKUP: { kind: "before", cause: "noBackup", repair: true },
  HISTORICAL_MESSAGE_BACKUP_UNCONFIGURED: { kind: "before", cause: "unconfigured", repair: true },
  HISTORICAL_MESSAGE_USER_NOT_JOINED: { kind: "before", cause: "notJoined", repair: false },
  MEGOLM_KEY_WITHHELD: { kind: "withheld", cause: "withheld", repair: false },
  MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE: { kind: "withheld", cause: "unverifiedHere", repair: true },
  SENDER_IDENTITY_PREVIOUSLY_VERIFIED: { kind: "withheld", cause: "senderChanged", repair: false },
  UNSIGNED_SENDER_DEVICE: { kind: "withheld", cause: "unsigned", repair: false },
  UNKNOWN_SENDER_DEVICE: { kind: "withheld", cause: "unknownDevice", repair: false },
};

/** Takes the SDK's reason; null while it is still trying. */
export function unreadable(reason: string | null): Unreadable {
  return (reason === null ? undefined : known[reason]) ?? { kind: "waiting", cause: "key", repair: false };
}

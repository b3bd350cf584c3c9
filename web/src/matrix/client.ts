import {
  ClientEvent,
  createClient,
  HttpApiEvent,
  IndexedDBStore,
  type MatrixClient,
  PendingEventOrdering,
  SyncState,
} from "matrix-js-sdk";
import { createStore } from "zustand/vanilla";
import { useStore } from "zustand";
import { attaching } from "./attach.ts";
import { api, ApiError, baseUrl } from "./api.ts";
import { startEncryption } from "./encryption.ts";
import { cryptoCallbacks } from "./keystorage.ts";
import { logger } from "./logger.ts";
import { isLiveOrOffline } from "./live.ts";
import { loadLookalikes } from "./lookalikes.ts";
import { checkPassword } from "./signin.ts";
import { pause } from "./syncParts.ts";
import { forgetBeforeGaps } from "./timelineBound.ts";
import { loadKeptList } from "./roomskept.ts";
import { followIdleRule, watchIdle } from "./session-idle.ts";
import { forgetSession, keepSession, keptSession, type Session } from "./session.ts";
import { becomeWorkingTab, stopBeingWorkingTab } from "./tab.ts";
import { isLocked, isSealed, lockVault, setUnlocked, unlockVault } from "./vault-lock.ts";
import { databaseKey, eraseDatabases, forgetDatabaseKey } from "./vault.ts";
import { methods, startVerifications } from "./verification.ts";

/**
 * Where the app stands. `elsewhere`: another tab of this browser works. `lost`: the browser is signed in, but no longer has this
 * device's keys. `removed`: the server ended this device's access, and everything kept here was erased. `locked`: nobody used it for as long as
 * the organisation allows. `again`: the server wants the password once more, for the same device. `account-locked`: an administrator locked the account.
 */
export type Phase = "signed-out" | "starting" | "ready" | "elsewhere" | "lost" | "removed" | "insecure" | "failed" | "locked" | "again" | "account-locked";

interface State {
  phase: Phase;
  /** Whether the server answers. */
  online: boolean;
  /** The first sync, or what the browser kept of it, is there. */
  synced: boolean;
  /** The server has said what happened since the app was last open, or cannot be asked. */
  caughtUp: boolean;
  /** The list of chats as it last was is shown, or was, while all else started. */
  early: boolean;
  error: string;
  userId: string;
}

const initial: State = { phase: "starting", online: true, synced: false, caughtUp: false, early: false, error: "", userId: "" };
export const state = createStore<State>(() => initial);
export const useClientState = <T>(pick: (s: State) => T): T => useStore(state, pick);

const storeName = "conclave-sync";
export const cryptoPrefix = "conclave-crypto";

let current: MatrixClient | null = null;

/** The client of the signed-in user. Only for what is shown when the phase is ready. */
export function client(): MatrixClient {
  if (current === null) throw new Error("not signed in");
  return current;
}

const erasedName = "conclave.erased";

/** Starts with the session that the browser kept, if there is one. */
export async function startSession(takeOver = false): Promise<void> {
  if (!isSecureContext || !("locks" in navigator)) {
    state.setState({ phase: "insecure" });
    return;
  }
  const erased = localStorage.getItem(erasedName);
  if (erased !== null) {
    // The page that erased could not delete what it held open itself.
    await eraseDatabases();
    state.setState({ ...initial, phase: erased === "removed" ? "removed" : "signed-out" });
    return;
  }
  const session = keptSession();
  if (session === null) {
    state.setState({ ...initial, phase: "signed-out" });
    return;
  }
  state.setState({ ...initial, userId: session.userId });
  if (!(await becomeWorkingTab(takeOver, leaveToOtherTab))) {
    state.setState({ phase: "elsewhere" });
    return;
  }
  if (isLocked()) {
    await lockVault();
    state.setState({ phase: "locked" });
    watchLockedDevice(session);
    return;
  }
  try {
    await start(session);
  } catch (err) {
    logger.error("start", err);
    if (state.getState().phase === "starting") state.setState({ phase: "failed", error: err instanceof Error ? err.message : String(err) });
  }
}

/** Keeps the session of a fresh sign-in and starts with it. The password is needed only where the organisation wants the idle lock. */
export async function signIn(session: Session, password?: string): Promise<void> {
  const kept = keptSession();
  const same = kept?.userId === session.userId && kept.deviceId === session.deviceId;
  if (!same) {
    // A device that lost its keys is of no use to anybody.
    if (kept) await endSession(kept.accessToken);
    await eraseDatabases();
  }
  await navigator.storage?.persist?.().catch(() => false);
  keepSession(session);
  if (!same) await databaseKey(true);
  setUnlocked();
  if (password !== undefined) await followIdleRule(password);
  await startSession(true);
}

async function start(session: Session): Promise<void> {
  const listed = loadKeptList();
  const storageKey = await databaseKey(false);
  if (storageKey === null) {
    state.setState({ phase: "lost" });
    return;
  }
  const store = new IndexedDBStore({
    indexedDB,
    localStorage,
    dbName: storeName,
    workerFactory: () => new Worker(new URL("./store.worker.ts", import.meta.url), { type: "module" }),
  });
  // What waits to be sent is kept in the outbox, sealed; the store would write it to local storage as it is.
  store.getPendingEvents = () => Promise.resolve([]);
  store.setPendingEvents = () => Promise.resolve();
  const c = createClient({
    baseUrl: baseUrl(),
    userId: session.userId,
    deviceId: session.deviceId,
    accessToken: session.accessToken,
    store,
    timelineSupport: true,
    useAuthorizationHeader: true,
    cryptoCallbacks,
    verificationMethods: methods,
    logger,
    fetchFn: attaching(() => current),
  });
  forgetBeforeGaps(c);
  current = c;
  c.on(HttpApiEvent.SessionLoggedOut, (err) => void (isRemoval(err.data) ? erase("removed") : signInAgain("again")));
  c.on(ClientEvent.Sync, (now, _before, data) => {
    if ((data?.error as { errcode?: string } | undefined)?.errcode === "M_USER_LOCKED") void signInAgain("account-locked");
    const online = now === SyncState.Prepared || now === SyncState.Syncing || now === SyncState.Catchup;
    state.setState((s) => ({ online, synced: s.synced || now === SyncState.Prepared || now === SyncState.Syncing, caughtUp: s.caughtUp || isLiveOrOffline(c) }));
  });
  const stored = store.startup(); // in a worker: it need not wait
  stored.catch(() => undefined); // said below
  if (await listed) {
    state.setState({ early: true });
    await pause(); // the list comes first
  }
  await Promise.all([stored, loadLookalikes(), c.initRustCrypto({ cryptoDatabasePrefix: cryptoPrefix, storageKey })]);
  if (current !== c) return; // the server ended this device's access meanwhile
  startEncryption(c);
  startVerifications(c);
  await c.startClient({
    initialSyncLimit: 20,
    lazyLoadMembers: true,
    threadSupport: true,
    pendingEventOrdering: PendingEventOrdering.Detached,
    pollTimeout: 30_000,
  });
  if (current !== c) return;
  state.setState({ phase: "ready" });
  watchIdle(lockNow);
}

async function leaveToOtherTab(): Promise<void> {
  current?.stopClient();
  current = null;
  state.setState({ phase: "elsewhere" });
}

/** Stops, but keeps everything: the server still knows this device. */
async function signInAgain(phase: "again" | "account-locked"): Promise<void> {
  current?.stopClient();
  current = null;
  stopBeingWorkingTab();
  state.setState({ phase });
}

const endSession = (token: string): Promise<unknown> =>
  fetch(`${baseUrl()}/_matrix/client/v3/logout`, { method: "POST", headers: { Authorization: `Bearer ${token}` }, body: "{}" }).catch(() => undefined);

/** Whether the server says that this device is no more, rather than that it wants the password again or forgot the token. */
export const isRemoval = (answer: Record<string, unknown>): boolean => answer["chat.conclave.wipe"] === true;

/** A locked app has no client that would learn that its device was removed: it asks. */
function watchLockedDevice(session: Session): void {
  void api("/_matrix/client/v3/account/whoami").catch((err: unknown) => {
    if (err instanceof ApiError && isRemoval(err.data) && keptSession()?.accessToken === session.accessToken) void erase("removed");
  });
}

/** Locks the app: the page is loaded anew, so that its memory has no keys any more. */
export async function lockNow(): Promise<void> {
  current?.stopClient();
  await lockVault();
  location.reload();
}

/** Opens the locked app. False: it is another password. */
export async function unlock(password: string): Promise<boolean> {
  const session = keptSession();
  if (session === null) return false;
  if (isSealed()) {
    if (!(await unlockVault(password))) return false;
  } else {
    if (!(await checkPassword(session.userId, password))) return false;
    setUnlocked();
    await followIdleRule(password);
  }
  await startSession(true);
  return true;
}

/** Signs this device out, at the server too where it answers, and erases what the browser kept. */
export async function signOut(): Promise<void> {
  const kept = keptSession();
  if (kept) await endSession(kept.accessToken);
  await erase("signed-out");
}

/** Erases everything that this browser kept of the account, from the disk and, by loading the page anew, from memory. */
export async function erase(phase: "signed-out" | "removed"): Promise<void> {
  const c = current;
  current = null;
  forgetSession();
  forgetDatabaseKey();
  localStorage.setItem(erasedName, phase);
  state.setState({ ...initial, phase });
  c?.stopClient();
  stopBeingWorkingTab();
  location.replace("/");
}

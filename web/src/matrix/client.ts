import {
  ClientEvent,
  createClient,
  type EmptyObject,
  HttpApiEvent,
  IndexedDBStore,
  type MatrixClient,
  PendingEventOrdering,
  SyncState,
} from "matrix-js-sdk";
import { createStore } from "zustand/vanilla";
import { useStore } from "zustand";
import { api, baseUrl } from "./api.ts";
import { startEncryption } from "./encryption.ts";
import { cryptoCallbacks } from "./keystorage.ts";
import { logger } from "./logger.ts";
import { forgetSession, keepSession, keptSession, type Session } from "./session.ts";
import { becomeWorkingTab, stopBeingWorkingTab } from "./tab.ts";
import { databaseKey, eraseDatabases, forgetDatabaseKey } from "./vault.ts";
import { methods, startVerifications } from "./verification.ts";

/**
 * Where the app stands. `elsewhere`: another tab of this browser works. `lost`: the browser is signed in, but no longer has this
 * device's keys. `removed`: the server ended this device's access, and everything kept here was erased.
 */
export type Phase = "signed-out" | "starting" | "ready" | "elsewhere" | "lost" | "removed" | "insecure" | "failed";

interface State {
  phase: Phase;
  /** Whether the server answers. */
  online: boolean;
  /** The first sync, or what the browser kept of it, is there. */
  synced: boolean;
  error: string;
  userId: string;
}

const initial: State = { phase: "starting", online: true, synced: false, error: "", userId: "" };
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

/** Starts with the session that the browser kept, if there is one. */
export async function startSession(takeOver = false): Promise<void> {
  if (!isSecureContext || !("locks" in navigator)) {
    state.setState({ phase: "insecure" });
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
  try {
    await start(session);
  } catch (err) {
    logger.error("start", err);
    if (state.getState().phase === "starting") state.setState({ phase: "failed", error: err instanceof Error ? err.message : String(err) });
  }
}

/** Keeps the session of a fresh sign-in and starts with it. */
export async function signIn(session: Session): Promise<void> {
  const kept = keptSession();
  const same = kept?.userId === session.userId && kept.deviceId === session.deviceId;
  if (!same) await eraseDatabases();
  await navigator.storage?.persist?.().catch(() => false);
  keepSession(session);
  if (!same) await databaseKey(true);
  await startSession(true);
}

async function start(session: Session): Promise<void> {
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
  });
  current = c;
  c.on(HttpApiEvent.SessionLoggedOut, (err) => void (err.data.soft_logout ? signInAgain() : erase("removed")));
  c.on(ClientEvent.Sync, (now) => {
    const online = now === SyncState.Prepared || now === SyncState.Syncing || now === SyncState.Catchup;
    state.setState((s) => ({ online, synced: s.synced || now === SyncState.Prepared || now === SyncState.Syncing }));
  });
  await Promise.all([store.startup(), c.initRustCrypto({ cryptoDatabasePrefix: cryptoPrefix, storageKey })]);
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
  if (current === c) state.setState({ phase: "ready" });
}

async function leaveToOtherTab(): Promise<void> {
  current?.stopClient();
  current = null;
  state.setState({ phase: "elsewhere" });
}

async function signInAgain(): Promise<void> {
  // The server wants the password again but keeps the device: so does the browser.
  current?.stopClient();
  current = null;
  stopBeingWorkingTab();
  state.setState({ phase: "signed-out" });
}

/** Signs this device out, at the server too where it answers, and erases what the browser kept. */
export async function signOut(): Promise<void> {
  await api<EmptyObject>("/_matrix/client/v3/logout", { method: "POST", body: {} }).catch(() => undefined);
  await erase("signed-out");
}

/** Erases everything that this browser kept of the account. */
export async function erase(phase: "signed-out" | "removed"): Promise<void> {
  const c = current;
  current = null;
  c?.stopClient();
  forgetSession();
  forgetDatabaseKey();
  state.setState({ ...initial, phase });
  await c?.clearStores({ cryptoDatabasePrefix: cryptoPrefix }).catch((err: unknown) => logger.error("erase", err));
  await eraseDatabases();
  stopBeingWorkingTab();
}

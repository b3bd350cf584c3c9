import { ClientEvent, type MatrixClient, SyncState } from "matrix-js-sdk";

/*
 * The SDK starts with what the browser kept of the last sync, which may be minutes old: what this copy lacks may be there all the same.
 * Whoever makes something because it is missing, or writes back what was read, needs the server's word first.
 */

/** Whether the server has said what is new since the browser kept its copy. */
export function isLive(c: MatrixClient): boolean {
  const now = c.getSyncState();
  if (now === SyncState.Prepared) return c.getSyncStateData()?.fromCache !== true;
  return now === SyncState.Syncing;
}

/** The same, or the server cannot be asked. */
export function isLiveOrOffline(c: MatrixClient): boolean {
  const now = c.getSyncState();
  return isLive(c) || now === SyncState.Catchup || now === SyncState.Error || now === SyncState.Reconnecting;
}

/** Waits for the server's word, or for that it does not answer. */
export async function whenLiveOrOffline(c: MatrixClient): Promise<void> {
  if (!c.clientRunning || isLiveOrOffline(c)) return;
  await new Promise<void>((done) => {
    const look = () => {
      if (!isLiveOrOffline(c) && c.clientRunning) return;
      c.off(ClientEvent.Sync, look);
      done();
    };
    c.on(ClientEvent.Sync, look);
  });
}

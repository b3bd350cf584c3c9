/*
 * Only one tab of a browser may use the keys at a time: two would overwrite each other's ratchets, and messages would be lost.
 * The tab that has the lock works; another may take it over, and then the first stops.
 */
const lockName = "conclave.session";
const channelName = "conclave.tab";

let release: (() => void) | null = null;

/** Tries to become the working tab. With `takeOver`, asks the one that works to stop and waits for it. onLost is called when another takes over. */
export async function becomeWorkingTab(takeOver: boolean, onLost: () => Promise<void>): Promise<boolean> {
  const channel = new BroadcastChannel(channelName);
  if (takeOver) channel.postMessage("stop");
  return new Promise((answer) => {
    void navigator.locks.request(lockName, { ifAvailable: !takeOver }, (lock) => {
      if (lock === null) {
        channel.close();
        answer(false);
        return undefined;
      }
      return new Promise<void>((done) => {
        release = done;
        channel.onmessage = () => {
          void onLost().finally(() => {
            channel.close();
            done();
          });
        };
        answer(true);
      });
    });
  });
}

/** Lets another tab work. */
export function stopBeingWorkingTab(): void {
  release?.();
  release = null;
}

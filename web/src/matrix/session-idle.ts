import { logger } from "./logger.ts";
import { fetchOrganisation } from "./organisation.ts";
import { idleMinutes, isLocked, isSealed, noteActivity, sealWithPassword, setIdleMinutes, unseal } from "./vault-lock.ts";

const signs = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;
const eachMilliseconds = 5_000;

let watching: ReturnType<typeof setInterval> | undefined;

/** Learns the organisation's rule about idle apps; with the password at hand, prepares the lock. */
export async function followIdleRule(password?: string): Promise<void> {
  try {
    const { idleLockMinutes } = (await fetchOrganisation()).policy;
    setIdleMinutes(idleLockMinutes);
    if (idleLockMinutes === null) unseal();
    else if (password !== undefined && !isSealed()) await sealWithPassword(password);
  } catch (err) {
    logger.debug("idle rule", err); // without the server, what was known before holds
  }
}

/** The password is another one now: the lock opens by it from now on. */
export async function passwordChanged(password: string): Promise<void> {
  if (idleMinutes() !== null) await sealWithPassword(password);
}

/** Locks when nobody has used the app for as long as the organisation allows. */
export function watchIdle(lock: () => Promise<void>): void {
  void followIdleRule();
  noteActivity();
  if (watching !== undefined) return;
  let noted = Date.now();
  const note = () => {
    const now = Date.now();
    if (now - noted < eachMilliseconds || isLocked(now)) return;
    noted = now;
    noteActivity(now);
  };
  for (const sign of signs) addEventListener(sign, note, { capture: true, passive: true });
  watching = setInterval(() => {
    if (!isLocked()) return;
    clearInterval(watching);
    void lock();
  }, eachMilliseconds);
}

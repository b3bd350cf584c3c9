/** What a browser keeps to be signed in: who and which device, and the token. Messages and keys are in IndexedDB. */
export interface Session {
  userId: string;
  deviceId: string;
  accessToken: string;
}

const key = "conclave.session";

export function keptSession(): Session | null {
  try {
    const s = JSON.parse(localStorage.getItem(key) ?? "null") as Partial<Session> | null;
    if (s?.userId && s.deviceId && s.accessToken) return { userId: s.userId, deviceId: s.deviceId, accessToken: s.accessToken };
  } catch {
    // Not ours, or damaged: signed out.
  }
  return null;
}

export function keepSession(s: Session): void {
  localStorage.setItem(key, JSON.stringify(s));
}

export function forgetSession(): void {
  localStorage.removeItem(key);
}

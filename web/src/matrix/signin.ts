import { api, ApiError } from "./api.ts";
import type { Session } from "./session.ts";

interface LoginAnswer {
  user_id: string;
  device_id: string;
  access_token: string;
}

/** The session of an answer to a sign-in or a registration. */
export function sessionOf(a: LoginAnswer): Session {
  return { userId: a.user_id, deviceId: a.device_id, accessToken: a.access_token };
}

/** What other people see this device as: browser and system, in words that need no translation. */
export function deviceName(agent: string = navigator.userAgent): string {
  const browser = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrom/.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : "Browser";
  const system = /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Windows/.test(agent) ? "Windows" : /Mac OS/.test(agent) ? "macOS" : /Linux/.test(agent) ? "Linux" : "";
  return system ? `${browser}, ${system}` : browser;
}

/** Signs in with a user name, a whole user id or an e-mail address; with a device id, as that device. */
export async function signInWithPassword(user: string, password: string, deviceId?: string): Promise<Session> {
  const body = {
    type: "m.login.password",
    identifier: user.includes("@") && !user.startsWith("@") ? { type: "m.id.thirdparty", medium: "email", address: user } : { type: "m.id.user", user },
    password,
    ...(deviceId === undefined ? { initial_device_display_name: deviceName() } : { device_id: deviceId }),
  };
  return sessionOf(await api<LoginAnswer>("/_matrix/client/v3/login", { method: "POST", body, signedIn: false }));
}

/** Whether this is the password of the signed-in user: asks the server to sign out no devices, which it does only for who knows the password. */
export async function checkPassword(userId: string, password: string): Promise<boolean> {
  const ask = (auth?: object) => api("/_matrix/client/v3/delete_devices", { method: "POST", body: { devices: [], ...(auth ? { auth } : {}) } });
  const refusal = await ask().then(
    () => null,
    (err: unknown) => err,
  );
  if (refusal === null) return true;
  if (!(refusal instanceof ApiError) || typeof refusal.data.session !== "string") throw refusal;
  try {
    await ask({ type: "m.login.password", identifier: { type: "m.id.user", user: userId }, password, session: refusal.data.session });
    return true;
  } catch (err) {
    if (err instanceof ApiError && err.status === 401) return false;
    throw err;
  }
}

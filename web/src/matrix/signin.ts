import { api } from "./api.ts";
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

/** Signs in with a user name or a whole user id. */
export async function signInWithPassword(user: string, password: string): Promise<Session> {
  const body = {
    type: "m.login.password",
    identifier: user.includes("@") && !user.startsWith("@") ? { type: "m.id.thirdparty", medium: "email", address: user } : { type: "m.id.user", user },
    password,
    initial_device_display_name: deviceName(),
  };
  return sessionOf(await api<LoginAnswer>("/_matrix/client/v3/login", { method: "POST", body, signedIn: false }));
}

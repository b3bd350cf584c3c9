import { api, ApiError } from "./api.ts";
import { keptSession } from "./session.ts";

/** The password that was to confirm an act is not right. */
export class WrongPassword extends Error {}

/**
 * Does what the server wants confirmed with the user's password.
 *
 * Spec: cs#user-interactive-authentication-api
 */
export async function confirmed<T>(path: string, method: string, body: Record<string, unknown>, password: string): Promise<T> {
  const ask = (auth?: object) => api<T>(path, { method, body: auth ? { ...body, auth } : body });
  try {
    return await ask();
  } catch (err) {
    if (!(err instanceof ApiError) || err.status !== 401 || typeof err.data.session !== "string") throw err;
    const auth = { type: "m.login.password", identifier: { type: "m.id.user", user: keptSession()?.userId ?? "" }, password, session: err.data.session };
    return ask(auth).catch((e: unknown) => {
      if (e instanceof ApiError && e.status === 401) throw new WrongPassword(e.message);
      throw e;
    });
  }
}

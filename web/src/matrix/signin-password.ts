import { api, ApiError } from "./api.ts";

/** A wish for a new password, while its message is on the way. */
export interface PasswordWish {
  sid: string;
  secret: string;
}

/** Asks for a message to the address; it says nothing about whether the address is somebody's. False: this server sends none. */
export async function wishPassword(email: string): Promise<PasswordWish | null> {
  const secret = [...crypto.getRandomValues(new Uint8Array(24))].map((b) => b.toString(16).padStart(2, "0")).join("");
  try {
    const { sid } = await api<{ sid: string }>("/_matrix/client/v3/account/password/email/requestToken", {
      method: "POST",
      signedIn: false,
      body: { client_secret: secret, email, send_attempt: 1 },
    });
    return { sid, secret };
  } catch (err) {
    if (err instanceof ApiError && err.code === "M_THREEPID_DENIED") return null;
    throw err;
  }
}

/** Sets the new password. `unopened`: the link in the message has not been opened yet. */
export async function setWishedPassword(wish: PasswordWish, password: string): Promise<"set" | "unopened"> {
  const path = "/_matrix/client/v3/account/password";
  const body = { new_password: password, logout_devices: true };
  const ask = (auth?: object) => api(path, { method: "POST", signedIn: false, body: auth ? { ...body, auth } : body });
  const refusal: unknown = await ask().then(
    () => null,
    (err: unknown) => err,
  );
  if (refusal === null) return "set";
  if (!(refusal instanceof ApiError) || typeof refusal.data.session !== "string") throw refusal;
  try {
    await ask({ type: "m.login.email.identity", session: refusal.data.session, threepid_creds: { sid: wish.sid, client_secret: wish.secret } });
    return "set";
  } catch (err) {
    if (err instanceof ApiError && err.status === 401) return "unopened";
    throw err;
  }
}

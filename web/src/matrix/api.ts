import { keptSession } from "./session.ts";

/** An error answer of the server: its Matrix error code, its text, and the whole answer for those who need more of it. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly data: Record<string, unknown>;
  constructor(code: string, message: string, status: number, data: Record<string, unknown>) {
    super(message);
    this.code = code;
    this.status = status;
    this.data = data;
  }
}

/** No answer at all: the server or the network is not there. */
export class OfflineError extends Error {}

interface Options {
  method?: string;
  body?: unknown;
  /** Send the token of the signed-in user: yes by default. */
  signedIn?: boolean;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** The server's own address: the app is served by it. */
export const baseUrl = (): string => location.origin;

/** Asks the server for JSON: what matrix-js-sdk has no method for, and everything before the sign-in. */
export async function api<T>(path: string, { method = "GET", body, signedIn = true, signal }: Options = {}): Promise<T> {
  const response = await rawApi(path, { method, body, signedIn, signal });
  return (await response.json()) as T;
}

/** The answer itself, for downloads. Answers that are errors are thrown all the same. */
export async function rawApi(path: string, { method = "GET", body, signedIn = true, signal, headers: more = {} }: Options = {}): Promise<Response> {
  const headers = new Headers({ Accept: "application/json, */*;q=0.5", ...more });
  const token = signedIn ? keptSession()?.accessToken : undefined;
  if (token) headers.set("Authorization", `Bearer ${token}`);
  let payload: BodyInit | null = null;
  if (typeof body === "string" || body instanceof Blob) {
    payload = body;
  } else if (body !== undefined) {
    headers.set("Content-Type", "application/json");
    payload = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(baseUrl() + path, { method, headers, body: payload, signal: signal ?? null });
  } catch (err) {
    if (signal?.aborted) throw err;
    throw new OfflineError("The server cannot be reached");
  }
  if (response.ok) return response;
  const data = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  throw new ApiError(String(data.errcode ?? "M_UNKNOWN"), String(data.error ?? response.statusText), response.status, data);
}

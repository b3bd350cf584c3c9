import { MatrixError } from "matrix-js-sdk/lib/http-api/errors.js";
import { ApiError, OfflineError } from "./api.ts";

export interface Failure {
  kind: "offline" | "limit" | "weakPassword" | "tooLarge" | "server" | "forbidden" | "taken" | "missing" | "refused";
  /** The server's own words. */
  reason: string;
}

const kinds: Record<string, Failure["kind"]> = {
  M_LIMIT_EXCEEDED: "limit",
  M_WEAK_PASSWORD: "weakPassword",
  M_TOO_LARGE: "tooLarge",
  M_ROOM_IN_USE: "taken",
};
/** What the SDK asks of a room. Where the app asks by itself, the server's words say more. */
const kindsInRooms: Record<string, Failure["kind"]> = { M_FORBIDDEN: "forbidden", M_NOT_FOUND: "missing" };

/** What went wrong when the server was asked for something. */
export function failure(err: unknown): Failure {
  const message = err instanceof Error ? err.message : String(err);
  if (err instanceof OfflineError || (err instanceof Error && err.name === "ConnectionError")) return { kind: "offline", reason: message };
  if (err instanceof ApiError) return { kind: kinds[err.code] ?? (err.status >= 500 ? "server" : "refused"), reason: message };
  if (err instanceof MatrixError) {
    const [code, reason] = [err.errcode ?? "", err.data.error ?? message];
    if (/M_UNKNOWN.*in use|alias.*(taken|exists|in use)/i.test(message)) return { kind: "taken", reason };
    return { kind: kinds[code] ?? kindsInRooms[code] ?? ((err.httpStatus ?? 0) >= 500 ? "server" : "refused"), reason };
  }
  return { kind: "refused", reason: message };
}

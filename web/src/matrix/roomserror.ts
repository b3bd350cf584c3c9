import { MatrixError } from "matrix-js-sdk/lib/http-api/errors.js";
import { ApiError, OfflineError } from "./api.ts";

export interface Failure {
  kind: "offline" | "forbidden" | "limit" | "taken" | "missing" | "other";
  message: string; // the server's own words
}

const kinds: Record<string, Failure["kind"]> = {
  M_FORBIDDEN: "forbidden",
  M_LIMIT_EXCEEDED: "limit",
  M_ROOM_IN_USE: "taken",
  M_NOT_FOUND: "missing",
};

/** What went wrong when the server was asked for something. */
export function failure(err: unknown): Failure {
  const message = err instanceof Error ? err.message : String(err);
  if (err instanceof OfflineError) return { kind: "offline", message };
  if (err instanceof ApiError) return { kind: kinds[err.code] ?? "other", message };
  if (err instanceof MatrixError) {
    if (/M_UNKNOWN.*in use|alias.*(taken|exists|in use)/i.test(message)) return { kind: "taken", message: err.data.error ?? message };
    return { kind: kinds[err.errcode ?? ""] ?? "other", message: err.data.error ?? message };
  }
  if (err instanceof Error && err.name === "ConnectionError") return { kind: "offline", message };
  return { kind: "other", message };
}

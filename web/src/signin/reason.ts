import { ApiError, OfflineError } from "@/matrix/api.ts";

/** The text for what went wrong, by what the server said. */
export function reason(err: unknown): string {
  if (err instanceof OfflineError) return "error.offline";
  if (!(err instanceof ApiError)) return "error.other";
  switch (err.code) {
    case "M_LIMIT_EXCEEDED":
      return "error.limit";
    case "M_USER_DEACTIVATED":
      return "error.deactivated";
    case "M_USER_LOCKED":
      return "error.locked";
    case "M_USER_IN_USE":
      return "error.taken";
    case "M_INVALID_USERNAME":
      return "error.userName";
    case "M_WEAK_PASSWORD":
      return "error.weak";
    default:
      return err.status === 403 ? "error.credentials" : err.status === 404 ? "error.link" : "error.other";
  }
}

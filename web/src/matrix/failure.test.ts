import { MatrixError } from "matrix-js-sdk/lib/http-api/errors.js";
import { expect, test } from "vitest";
import { ApiError, OfflineError } from "./api.ts";
import { failure } from "./failure.ts";

test("what went wrong has a kind where the server's code says enough, and the server's words otherwise", () => {
  const own = (code: string, status: number) => failure(new ApiError(code, "words", status, {}));
  const sdk = (errcode: string, status: number, error = "words") => failure(new MatrixError({ errcode, error }, status));
  expect(failure(new OfflineError("gone")).kind).toBe("offline");
  expect(own("M_WEAK_PASSWORD", 400).kind).toBe("weakPassword");
  expect(own("M_UNKNOWN", 502).kind).toBe("server");
  // The app's own questions: "wrong password" says more than "not allowed".
  expect(own("M_FORBIDDEN", 403)).toEqual({ kind: "refused", reason: "words" });
  expect(sdk("M_FORBIDDEN", 403).kind).toBe("forbidden");
  expect(sdk("M_NOT_FOUND", 404).kind).toBe("missing");
  expect(sdk("M_ROOM_IN_USE", 400).kind).toBe("taken");
  expect(sdk("M_UNKNOWN", 409, "Room alias already exists").kind).toBe("taken");
  expect(sdk("M_LIMIT_EXCEEDED", 429).kind).toBe("limit");
  expect(sdk("M_UNKNOWN", 500).kind).toBe("server");
  expect(failure(new Error("odd"))).toEqual({ kind: "refused", reason: "odd" });
});

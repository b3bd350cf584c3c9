import { expect, test } from "vitest";
import { passwordProblem } from "./password.ts";

test("too short, not repeated, fine", () => {
  expect(passwordProblem("seven77", "seven77")?.field).toBe("next");
  expect(passwordProblem("🔑🔑🔑🔑", "🔑🔑🔑🔑")?.field).toBe("next"); // four characters, though eight UTF-16 units
  expect(passwordProblem("long enough", "long enougj")?.field).toBe("again");
  expect(passwordProblem("long enough", "long enough")).toBeNull();
});

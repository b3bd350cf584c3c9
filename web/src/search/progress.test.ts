import { expect, test } from "vitest";
import { progressOf } from "./progress.ts";

const day = 86_400_000;
const now = 1000 * day;
const room = (id: string, days: number) => ({ id, created: now - days * day });
const stats = (count: number, days: number, jobs: number | null) => ({ count, oldest: now - days * day, jobs });

test("what will be there is told from the time that was read", () => {
  // 100 messages in 10 of 50 days, and a room that is done
  const p = progressOf({ rooms: { a: stats(100, 10, 1), b: stats(40, 5, 0) }, bytes: 9 }, [room("a", 50), room("b", 90)], now);
  expect(p).toEqual({ messages: 140, about: 540, rooms: 2, done: 1, bytes: 9 });
});

test("rooms that were not begun count as the others do, and a room without time does not run away", () => {
  expect(progressOf({ rooms: { a: stats(100, 0, 1), b: stats(0, 0, null) }, bytes: 0 }, [room("a", 50), room("b", 50)], now).about).toBe(4000);
  expect(progressOf({ rooms: {}, bytes: 0 }, [room("a", 50)], now)).toMatchObject({ messages: 0, about: 0, done: 0 });
});

test("when everything was read nothing is guessed", () => {
  expect(progressOf({ rooms: { a: stats(100, 10, 0) }, bytes: 0 }, [room("a", 50)], now)).toMatchObject({ messages: 100, about: null, done: 1 });
});

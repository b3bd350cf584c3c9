import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { typingNotices } from "./typing.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("typing is told once in ten seconds, and its end when the text is empty or nobody types", () => {
  const told: boolean[] = [];
  const notices = typingNotices((t) => told.push(t), () => Date.now());
  notices.stop();
  expect(told).toEqual([]);
  for (let i = 0; i < 50; i++) notices.typed(false);
  expect(told).toEqual([true]);
  for (let i = 0; i < 6; i++) {
    vi.advanceTimersByTime(2000);
    notices.typed(false);
  }
  expect(told).toEqual([true, true]);
  vi.advanceTimersByTime(7000);
  expect(told).toEqual([true, true, false]);
  notices.typed(false);
  notices.typed(true);
  expect(told).toEqual([true, true, false, true, false]);
});

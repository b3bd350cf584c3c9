import { expect, test } from "vitest";
import { cut, fit } from "./crop.ts";

test("the hole is never empty", () => {
  // A picture twice as wide as high, unzoomed: it can move half a hole to each side and not up or down.
  expect(fit({ zoom: 1, x: 9, y: 9 }, 2)).toEqual({ zoom: 1, x: 0.5, y: 0 });
  expect(fit({ zoom: 0.2, x: -9, y: -9 }, 1)).toEqual({ zoom: 1, x: -0, y: -0 });
  expect(fit({ zoom: 2, x: -9, y: 9 }, 1)).toEqual({ zoom: 2, x: -0.5, y: 0.5 });
});

test.each([
  [{ zoom: 1, x: 0, y: 0 }, { x: 50, y: 0, size: 100 }],
  [{ zoom: 1, x: 0.5, y: 0 }, { x: 0, y: 0, size: 100 }],
  [{ zoom: 2, x: 0, y: 0.5 }, { x: 75, y: 0, size: 50 }],
])("of 200 by 100 pixels, %j shows %j", (p, square) => {
  expect(cut(p, 200, 100)).toEqual(square);
});

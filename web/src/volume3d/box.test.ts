// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Triple } from "../api/types";
import { edgesOf, lengthsOf } from "./box";

const grid = { shape: [4, 8, 16], spacing: [50, 5, 5], origin: [25, 2.5, 2.5] } as const;
// As a section is looked at, from before the first one: x to the right, y down, and what lies deeper a little up and to the right.
const project = ([z, y, x]: Triple) => ({ x: x + z / 4, y: y - z / 4 });

describe("edgesOf", () => {
  const edges = edgesOf(grid, [-1000, -500, 500], project);
  it("goes around the borders of the outermost voxels, not their middles", () => {
    expect(lengthsOf(grid)).toEqual([200, 40, 80]);
    expect(edges).toHaveLength(12);
    expect(edges.filter((e) => e.axis === 2).map((e) => e.to.x - e.from.x)).toEqual([80, 80, 80, 80]);
  });

  it("tells edges before the volume from those behind it", () => {
    // Three faces are seen, so that nine edges are: three within, six around.
    const count = (side: string) => edges.filter((e) => e.side === side).length;
    expect([count("front"), count("outline"), count("back")]).toEqual([3, 6, 3]);
  });

  it("names one edge of each axis, that of x below the volume and that of y to its left", () => {
    const named = edges.filter((e) => e.named);
    expect(named.map((e) => e.axis)).toEqual([0, 1, 2]);
    expect(named.every((e) => e.side === "outline")).toBe(true);
    expect(named[2]).toMatchObject({ from: { x: 0, y: 40 }, to: { x: 80, y: 40 } });
    expect(named[1]).toMatchObject({ from: { x: 0, y: 0 }, to: { x: 0, y: 40 } });
  });
});

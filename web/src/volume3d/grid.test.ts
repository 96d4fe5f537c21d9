// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ViewInfo, ViewLevel } from "../api/types";
import { gridOf, levelWords, placesAlong, sourceFor, sourceThatFits } from "./grid";

const level = (path: string, shape: ViewLevel["shape"], voxelSize: ViewLevel["voxelSize"]): ViewLevel => ({ path, shape, voxelSize, chunk: [64, 64, 64] });
const view = (name: string, start: ViewInfo["start"], levels: readonly ViewLevel[]) => ({ name, start, levels }) as unknown as ViewInfo;
const voxelSize = [20, 5, 5] as const;
const raw = view("raw", [0, 0, 0], [level("s0", [64, 512, 512], voxelSize), level("s1", [64, 256, 256], [20, 10, 10]), level("s2", [32, 128, 128], [40, 20, 20])]);

describe("gridOf", () => {
  it("counts the middles of voxels from the volume's corner, with the step as spacing", () => {
    const source = { view: view("test", [8, 4, 2], []), level: level("s1", [9, 20, 20], [20, 10, 10]), step: [1, 3, 2] as const };
    expect(gridOf(source, voxelSize)).toEqual({ shape: [9, 7, 10], spacing: [20, 30, 20], origin: [8 * 20 + 10, 4 * 5 + 5, 2 * 5 + 5] });
  });
});

describe("sourceThatFits", () => {
  it("takes the finest level within the budget", () => {
    expect(sourceThatFits(raw, { side: 2048, voxels: 64 * 512 * 512 }).level.path).toBe("s0");
    expect(sourceThatFits(raw, { side: 256, voxels: 1e9 }).level.path).toBe("s1");
    expect(sourceThatFits(raw, { side: 2048, voxels: 1e6 }).level.path).toBe("s2");
  });
});

describe("sourceFor", () => {
  const grid = (path: number) => gridOf({ view: raw, level: raw.levels[path] as ViewLevel, step: [1, 1, 1] }, voxelSize);
  it("reads the level that is as coarse as the grid", () => {
    expect(sourceFor(raw, grid(1)).level.path).toBe("s1");
    expect(sourceFor(raw, grid(0)).level.path).toBe("s0");
  });
  it("thins the finest level out while there is no pyramid", () => {
    expect(sourceFor(view("labels", [0, 0, 0], raw.levels.slice(0, 1)), grid(2)).step).toEqual([2, 4, 4]);
  });
});

describe("placesAlong", () => {
  const source = { view: raw, level: raw.levels[0] as ViewLevel, step: [1, 1, 1] as const };
  const grid = gridOf(source, voxelSize);
  it("is the place itself on the same voxels", () => {
    expect([...placesAlong(2, grid, source, voxelSize)].slice(0, 4)).toEqual([0, 1, 2, 3]);
  });
  it("puts a view that starts later in its place and nothing beside it", () => {
    const test = { view: view("labels", [50, 0, 0], []), level: level("s0", [14, 512, 512], voxelSize), step: [1, 1, 1] as const };
    const places = placesAlong(0, grid, test, voxelSize);
    expect(places[49]).toBe(-1);
    expect(places[50]).toBe(0);
    expect(places[63]).toBe(13);
    const short = { ...test, level: level("s0", [10, 512, 512], voxelSize) };
    expect(placesAlong(0, grid, short, voxelSize)[60]).toBe(-1);
  });
  it("finds the coarse voxel that a fine one lies in, and back", () => {
    const coarse = { view: raw, level: raw.levels[1] as ViewLevel, step: [1, 1, 1] as const };
    expect([...placesAlong(1, grid, coarse, voxelSize)].slice(0, 6)).toEqual([0, 0, 1, 1, 2, 2]);
    const thinned = { ...source, step: [1, 2, 2] as const };
    expect([...placesAlong(1, gridOf(coarse, voxelSize), thinned, voxelSize)].slice(0, 3)).toEqual([0, 1, 2]);
  });
});

describe("levelWords", () => {
  const budget = { side: 256, voxels: 4_096_000 };
  it("says that it is the finest", () => {
    expect(levelWords({ view: raw, level: raw.levels[0] as ViewLevel, step: [1, 1, 1] }, budget, false)).toBe("Level s0 of 3, 512 × 512 × 64 voxels: the finest there is.");
  });
  it("says why the finest would not fit", () => {
    const source = { view: raw, level: raw.levels[1] as ViewLevel, step: [1, 1, 1] as const };
    expect(levelWords(source, budget, false)).toBe(
      "Level s1 of 3, 256 × 256 × 64 voxels; the finest, 512 × 512 × 64, would not fit: the graphics card takes 256 voxels along an axis.",
    );
    expect(levelWords(source, { side: 2048, voxels: 4_096_000 }, true)).toContain("without a graphics card, and 4.1 million voxels");
  });
  it("says that voxels were left out", () => {
    expect(levelWords({ view: raw, level: raw.levels[0] as ViewLevel, step: [1, 2, 2] }, budget, false)).toContain(", every 2nd voxel along x, every 2nd voxel along y, 256 × 256 × 64 voxels");
    expect(levelWords({ view: raw, level: raw.levels[0] as ViewLevel, step: [2, 2, 2] }, budget, false)).toContain(", every 2nd voxel, 256 × 256 × 32 voxels");
  });
});

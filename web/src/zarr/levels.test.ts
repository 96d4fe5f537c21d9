// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ViewInfo, ViewLevel } from "../api/types";
import { boxInLevel, factorOf, levelForZoom, levelThatFits } from "./levels";

const level = (path: string, shape: ViewLevel["shape"], voxelSize: ViewLevel["voxelSize"]): ViewLevel => ({ path, shape, voxelSize, chunk: [64, 64, 64] });
// z stays while it is 2x coarser, as the pyramid stages make it.
const levels = [level("s0", [20, 1024, 1024], [50, 5, 5]), level("s1", [20, 512, 512], [50, 10, 10]), level("s2", [20, 256, 256], [50, 20, 20])];

describe("levelForZoom", () => {
  it("takes the finest level when voxels are larger than pixels", () => {
    expect(levelForZoom(levels, [1, 2], 1)).toBe(0);
  });
  it("takes the coarsest level that loses nothing visible", () => {
    expect(levelForZoom(levels, [1, 2], 10)).toBe(1);
    expect(levelForZoom(levels, [1, 2], 19.9)).toBe(1 + 1);
    expect(levelForZoom(levels, [1, 2], 15)).toBe(1);
    expect(levelForZoom(levels, [1, 2], 500)).toBe(2);
  });
  it("does not mind an axis that is as coarse in every level", () => {
    expect(levelForZoom(levels, [0, 2], 10)).toBe(1);
  });
});

describe("levelThatFits", () => {
  const shapes = levels.map((l) => l.shape);
  const sizes = levels.map((l) => l.voxelSize);
  it("takes the finest level when all fit", () => {
    expect(levelThatFits(shapes, sizes, { side: 2048, voxels: 1e9 })).toEqual({ level: 0, step: [1, 1, 1], shape: [20, 1024, 1024] });
  });
  it("goes by the texture's side", () => {
    expect(levelThatFits(shapes, sizes, { side: 512, voxels: 1e9 }).level).toBe(1);
  });
  it("goes by the number of voxels", () => {
    expect(levelThatFits(shapes, sizes, { side: 2048, voxels: 20 * 256 * 256 }).level).toBe(2);
  });
  it("thins the finest axes out when no level fits", () => {
    const choice = levelThatFits([[20, 1024, 1024]], [[50, 5, 5]], { side: 256, voxels: 1e9 });
    expect(choice).toEqual({ level: 0, step: [1, 4, 4], shape: [20, 256, 256] });
  });
  it("ends for a budget of one voxel", () => {
    expect(levelThatFits([[3, 2, 5]], [[1, 1, 1]], { side: 8, voxels: 1 }).shape).toEqual([1, 1, 1]);
  });
});

describe("boxInLevel", () => {
  const view = { start: [4, 100, 100] } as unknown as ViewInfo;
  it("counts from the view's own start and by its factor", () => {
    const s1 = level("s1", [20, 50, 50], [50, 10, 10]);
    expect(factorOf(s1, [50, 5, 5])).toEqual([1, 2, 2]);
    expect(boxInLevel(view, s1, [50, 5, 5], { start: [5, 103, 0], shape: [1, 4, 1000] })).toEqual({ start: [1, 1, 0], shape: [1, 3, 50] });
  });
  it("is empty beside the view", () => {
    expect(boxInLevel(view, level("s0", [20, 50, 50], [50, 5, 5]), [50, 5, 5], { start: [0, 0, 0], shape: [4, 10, 10] }).shape).toEqual([0, 0, 0]);
  });
});

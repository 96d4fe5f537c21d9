// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ViewInfo } from "../api/types";
import { calledByLabels, calledByThreshold, countOutcomes, drawnClasses, drawnOutcomes, nothing, toBytes, toGrid } from "./fill";

describe("toGrid", () => {
  const voxelSize = [10, 10, 10] as const;
  const grid = { shape: [2, 3, 4], spacing: voxelSize, origin: [5, 5, 5] } as const;
  const view = (start: ViewInfo["start"]) => ({ name: "labels", start }) as unknown as ViewInfo;
  const level = (shape: readonly [number, number, number]) => ({ path: "s0", shape, voxelSize, chunk: shape });

  it("copies a view of the same voxels", () => {
    const data = Uint8Array.from({ length: 24 }, (_, i) => i);
    expect(toGrid({ source: { view: view([0, 0, 0]), level: level([2, 3, 4]), step: [1, 1, 1] }, data }, grid, voxelSize, nothing)).toEqual(data);
  });
  it("puts a smaller view where it starts", () => {
    const source = { view: view([1, 1, 2]), level: level([1, 2, 2]), step: [1, 1, 1] as const };
    const found = toGrid({ source, data: Uint8Array.of(1, 2, 3, 4) }, grid, voxelSize, nothing);
    const expected = new Uint8Array(24).fill(nothing);
    expected.set([1, 2], (1 * 3 + 1) * 4 + 2);
    expected.set([3, 4], (1 * 3 + 2) * 4 + 2);
    expect(found).toEqual(expected);
  });
});

describe("drawnClasses", () => {
  it("leaves 0 for what is not labelled", () => {
    expect([...drawnClasses(Uint8Array.of(0, 3, nothing))]).toEqual([1, 4, 0]);
  });
});

describe("drawnOutcomes", () => {
  it("tells TP, FP and FN of the class apart and counts nothing where one of the two is missing", () => {
    const truth = Uint8Array.of(2, 1, 2, 1, 255, 2);
    const called = calledByLabels(Uint8Array.of(2, 2, 0, 0, 2, nothing), 2);
    expect([...drawnOutcomes(truth, called, 2)]).toEqual([1, 2, 3, 0, 0, 0]);
  });

  it("calls from the threshold on, the highest output too", () => {
    const truth = Uint8Array.of(2, 1, 2, 1, 2);
    expect([...drawnOutcomes(truth, calledByThreshold(Uint8Array.of(100, 100, 99, 99, 255), 100), 2)]).toEqual([1, 2, 3, 0, 1]);
  });
});

describe("countOutcomes", () => {
  const drawn = Uint8Array.of(1, 2, 3, 1, 1, 0, 2, 2);
  it("counts each voxel of the region and none beside it", () => {
    const grid = { shape: [2, 2, 2], spacing: [40, 8, 8], origin: [20, 4, 4] } as const;
    expect(countOutcomes(drawn, grid, { start: [0, 0, 0], shape: [2, 2, 2] }, [40, 8, 8])).toEqual({ tp: 3, fp: 3, fn: 1 });
    expect(countOutcomes(drawn, grid, { start: [1, 0, 0], shape: [5, 2, 1] }, [40, 8, 8])).toEqual({ tp: 1, fp: 1, fn: 0 });
  });

  it("goes by the middles of voxels that are coarser than the volume's, wherever the view starts", () => {
    const grid = { shape: [2, 2, 2], spacing: [40, 16, 16], origin: [140, 8, 8] } as const;
    expect(countOutcomes(drawn, grid, { start: [4, 0, 0], shape: [1, 4, 4] }, [40, 8, 8])).toEqual({ tp: 1, fp: 2, fn: 0 });
  });
});

describe("toBytes", () => {
  it("leaves 8 bits as they are", () => {
    const data = Uint8Array.of(0, 7, 255);
    expect(toBytes(data)).toBe(data);
  });
  it("spreads the range that 16 bits use, but for a few outliers", () => {
    const data = Uint16Array.from({ length: 2000 }, (_, i) => (i === 0 ? 65535 : 1000 + (i % 100)));
    const bytes = toBytes(data);
    expect(Math.min(...bytes)).toBe(0);
    expect(bytes[0]).toBe(255);
    expect(bytes[50]).toBeGreaterThan(110);
    expect(bytes[50]).toBeLessThan(145);
  });
});

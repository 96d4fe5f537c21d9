// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Triple, ViewInfo } from "../api/types";
import type { ChunkVoxels } from "../zarr/chunks";
import { planes, type Look, type Plane } from "./geometry";
import { layerOf, voxelOf } from "./layers";

const [xy, yz, xz] = planes as [Plane, Plane, Plane];
const space = { shape: [8, 16, 16] as Triple, voxelSize: [10, 10, 10] as Triple };
const view: ViewInfo = {
  name: "raw", kind: "image", url: "/", start: [2, 4, 4], type: "uint16", channels: 1, ready: true,
  levels: [{ path: "s0", shape: [6, 12, 12], voxelSize: [10, 10, 10], chunk: [4, 8, 8] }, { path: "s1", shape: [3, 6, 6], voxelSize: [20, 20, 20], chunk: [4, 8, 8] }],
};
const source = { reader: { view, chunk: () => Promise.reject(new Error("not here")) }, channel: 0 };

/** Every chunk is there; voxel (z, y, x) of level s0 holds 400 z + 20 y + x, counted in the view. */
const full = {
  get: (key: string): ChunkVoxels => {
    const [, , , z, y, x] = key.split("/").map(Number) as [number, number, number, number, number, number];
    const data = new Uint16Array(4 * 8 * 8);
    for (let i = 0; i < data.length; i++) {
      data[i] = 400 * (4 * z + Math.floor(i / 64)) + 20 * (8 * y + (Math.floor(i / 8) % 8)) + 8 * x + (i % 8);
    }
    return { data, shape: [4, 8, 8] };
  },
};
const look: Look = { at: [5, 9, 10], centre: [4, 8, 8], nmPerPixel: 5 };
const size = { width: 32, height: 32, density: 1 };

/** The value a pixel shows. */
const shown = (plane: Plane, column: number, row: number) => {
  const { plane: layer } = layerOf(source, full, look, plane, size, space);
  const [x, y] = [layer.columns[column] as number, layer.rows[row] as number];
  return x < 0 || y < 0 ? null : layer.values[x + y];
};

describe("layerOf", () => {
  it("shows each voxel where it lies, in all three planes", () => {
    // Two pixels a voxel; the middle of the pane, pixel 16, is where voxel 8 begins along y and x, and voxel 4 along z.
    expect(shown(xy, 16, 18)).toBe(400 * (5 - 2) + 20 * (9 - 4) + (8 - 4));
    expect(shown(xz, 16, 18)).toBe(400 * (5 - 2) + 20 * (9 - 4) + (8 - 4));
    expect(shown(yz, 18, 16)).toBe(400 * (5 - 2) + 20 * (8 - 4) + (10 - 4));
  });
  it("shows nothing outside the view", () => {
    expect(shown(xy, 7, 16)).toBeNull();
    expect(shown(xy, 8, 16)).not.toBeNull();
  });
  it("asks for the chunks of the visible section only", () => {
    const keys = layerOf(source, { get: () => null }, look, xy, size, space).requests.map((r) => r.key);
    expect(keys.sort()).toEqual(["raw/s0/0/0/0/0", "raw/s0/0/0/0/1", "raw/s0/0/0/1/0", "raw/s0/0/0/1/1"]);
    const small = layerOf(source, { get: () => null }, look, xy, { width: 4, height: 4, density: 1 }, space);
    expect(small.requests).toHaveLength(1);
  });
  it("takes a coarser level from afar and the finest on a dense screen", () => {
    const far = { ...look, nmPerPixel: 20 };
    expect(layerOf(source, { get: () => null }, far, xy, size, space).level).toBe(1);
    expect(layerOf(source, { get: () => null }, far, xy, { ...size, density: 2 }, space).level).toBe(0);
  });
});

describe("voxelOf", () => {
  it("reads one voxel of the finest level", () => {
    expect(voxelOf(source, full, [5, 9, 15], space)?.value).toBe(400 * 3 + 20 * 5 + 11);
  });
  it("is null outside the view and has no value before the chunk came", () => {
    expect(voxelOf(source, full, [1, 9, 15], space)).toBeNull();
    expect(voxelOf(source, { get: () => null }, [5, 9, 15], space)?.value).toBeNull();
  });
});

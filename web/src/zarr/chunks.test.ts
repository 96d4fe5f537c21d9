// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Triple } from "../api/types";
import { chunksOf, copyChunk } from "./chunks";
import { readRegion } from "./region";
import { voxels } from "./space";

describe("chunksOf", () => {
  it("finds the chunks that a visible rectangle of one section touches, and no other", () => {
    const found = chunksOf({ start: [70, 60, 130], shape: [1, 10, 60] }, [128, 256, 256], [64, 64, 64]);
    expect(found.map(String).sort()).toEqual(["1,0,2", "1,1,2"].sort());
  });
  it("begins with the chunk in the middle", () => {
    expect(chunksOf({ start: [0, 0, 0], shape: [1, 640, 640] }, [1, 640, 640], [1, 128, 128])[0]).toEqual([0, 2, 2]);
  });
  it("stays inside the level", () => {
    expect(chunksOf({ start: [0, -500, -500], shape: [1, 5000, 5000] }, [1, 100, 70], [1, 64, 64])).toHaveLength(4);
  });
});

/** A level whose voxel (z, y, x) holds 49 z + 7 y + x mod 251, cut into chunks that stand over its border. */
function numbered(shape: Triple, chunk: Triple) {
  const value = (z: number, y: number, x: number) => (49 * z + 7 * y + x) % 251;
  return {
    value,
    reader: {
      view: { type: "uint8" } as never,
      asked: [] as string[],
      async chunk(_: unknown, at: Triple) {
        this.asked.push(at.join());
        const data = new Uint8Array(voxels(chunk));
        for (let z = 0; z < chunk[0]; z++)
          for (let y = 0; y < chunk[1]; y++)
            for (let x = 0; x < chunk[2]; x++)
              data[(z * chunk[1] + y) * chunk[2] + x] = value(at[0] * chunk[0] + z, at[1] * chunk[1] + y, at[2] * chunk[2] + x);
        return { data, shape: chunk };
      },
    },
    level: { path: "s0", shape, voxelSize: [1, 1, 1] as Triple, chunk },
  };
}

describe("readRegion", () => {
  for (const step of [[1, 1, 1], [1, 3, 2], [5, 1, 4]] as const) {
    it(`reads every ${step.join(" x ")} voxel across chunk borders`, async () => {
      const { value, reader, level } = numbered([9, 20, 22], [4, 8, 8]);
      const box = { start: [1, 3, 5] as Triple, shape: [8, 14, 13] as Triple };
      const read = await readRegion(reader as never, level, 0, box, step, new AbortController().signal);
      const expected: number[] = [];
      for (let z = 0; z < 8; z += step[0])
        for (let y = 0; y < 14; y += step[1]) for (let x = 0; x < 13; x += step[2]) expected.push(value(1 + z, 3 + y, 5 + x));
      expect([...read]).toEqual(expected);
    });
  }
  it("does not fetch chunks that a step leaps over", async () => {
    const { reader, level } = numbered([9, 8, 8], [1, 8, 8]);
    await readRegion(reader as never, level, 0, { start: [0, 0, 0], shape: [9, 8, 8] }, [4, 1, 1], new AbortController().signal);
    expect(reader.asked.sort()).toEqual(["0,0,0", "4,0,0", "8,0,0"]);
  });
});

describe("copyChunk", () => {
  it("leaves voxels outside the chunk as they are", () => {
    const target = new Int32Array(16).fill(-1);
    copyChunk({ data: new Uint8Array([1, 2, 3, 4]), shape: [1, 2, 2] }, [0, 1, 1], [1, 2, 2], { start: [0, 0, 0], shape: [1, 4, 4] }, target);
    expect([...target]).toEqual([-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1, 2, -1, -1, 3, 4]);
  });
});

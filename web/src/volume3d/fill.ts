// SPDX-License-Identifier: Apache-2.0
import type { Box, Triple } from "../api/types";
import { outcome, outcomeOf } from "../slices/scoring";
import { clamp, map3, voxels } from "../zarr/space";
import { placesAlong, type Grid, type Source } from "./grid";

export interface OutcomeCounts {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
}

/** What was read of a view. */
export interface Read {
  readonly source: Source;
  readonly data: Uint8Array | Uint16Array;
}

/** Brings what was read to the grid, voxel by nearest voxel; outside stands where the view is not. */
export function toGrid(read: Read, grid: Grid, volumeVoxelSize: Triple, outside: number): Uint8Array {
  const { level, step } = read.source;
  const shape = map3((i) => Math.ceil(level.shape[i] / step[i]));
  const [zs, ys, xs] = ([0, 1, 2] as const).map((i) => placesAlong(i, grid, read.source, volumeVoxelSize)) as [Int32Array, Int32Array, Int32Array];
  const result = new Uint8Array(voxels(grid.shape)).fill(outside);
  let place = 0;
  for (const z of zs) {
    for (const y of ys) {
      if (z < 0 || y < 0) {
        place += xs.length;
        continue;
      }
      const row = (z * shape[1] + y) * shape[2];
      for (const x of xs) {
        if (x >= 0) result[place] = read.data[row + x] as number;
        place++;
      }
    }
  }
  return result;
}

/** Outside of a view, and unlabelled voxels. No class has this id. */
export const nothing = 255;

/** Class ids as they are drawn: 0 is nothing, class id + 1 the class. */
export function drawnClasses(labels: Uint8Array): Uint8Array {
  return labels.map((id) => (id === nothing ? 0 : id + 1));
}

/** 1 where the class is called, 0 where it is not, nothing where there are no labels. */
export function calledByLabels(labels: Uint8Array, classId: number): Uint8Array {
  return labels.map((id) => (id === nothing ? nothing : Number(id === classId)));
}

/** 1 where an output is at or above the threshold, else 0: before it is brought to the grid, as outputs use every level there is. */
export function calledByThreshold(greys: ArrayLike<number>, threshold: number): Uint8Array {
  return Uint8Array.from(greys, (grey) => Number(grey >= threshold));
}

/** TP, FP and FN (1, 2, 3) of a class, 0 elsewhere and where truth or prediction is not there. */
export function drawnOutcomes(truth: Uint8Array, called: Uint8Array, classId: number): Uint8Array {
  const result = new Uint8Array(truth.length);
  for (let i = 0; i < result.length; i++) {
    if (called[i] !== nothing) result[i] = outcomeOf(called[i] === 1, truth[i] as number, classId);
  }
  return result;
}

/** How often TP, FP and FN are drawn in a region of the volume, given in its voxels: of every voxel drawn, its middle counts. */
export function countOutcomes(drawn: Uint8Array, grid: Grid, region: Box, volumeVoxelSize: Triple): OutcomeCounts {
  const [from, to] = [region.start, map3((i) => region.start[i] + region.shape[i])].map((edge) =>
    map3((i) => clamp(Math.ceil((edge[i] * volumeVoxelSize[i] - grid.origin[i]) / grid.spacing[i] - 1e-6), 0, grid.shape[i])),
  ) as [Triple, Triple];
  let [tp, fp, fn] = [0, 0, 0];
  for (let z = from[0]; z < to[0]; z++) {
    for (let y = from[1]; y < to[1]; y++) {
      const row = (z * grid.shape[1] + y) * grid.shape[2];
      for (let x = from[2]; x < to[2]; x++) {
        const value = drawn[row + x];
        if (value === outcome.truePositive) tp++;
        else if (value === outcome.falsePositive) fp++;
        else if (value === outcome.falseNegative) fn++;
      }
    }
  }
  return { tp, fp, fn };
}

/** Images in 8 bits. 16 bits seldom fill their range: the darkest and brightest half per cent are cut off. */
export function toBytes(data: Uint8Array | Uint16Array): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const counts = new Uint32Array(65536);
  for (const grey of data) counts[grey] = (counts[grey] as number) + 1;
  const at = (share: number) => {
    let left = data.length * share;
    let grey = 0;
    while (grey < 65535 && (left -= counts[grey] as number) > 0) grey++;
    return grey;
  };
  const black = at(0.005);
  const white = Math.max(black + 1, at(0.995));
  const tones = Uint8Array.from({ length: 65536 }, (_, grey) => Math.round(Math.min(1, Math.max(0, (grey - black) / (white - black))) * 255));
  return Uint8Array.from(data, (grey) => tones[grey] as number);
}

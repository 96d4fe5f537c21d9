// SPDX-License-Identifier: Apache-2.0
import type { Box, Triple } from "../api/types";
import { map3 } from "./space";

/** Grid positions (z, y, x) of the chunks that a box of a level's voxels touches, nearest to its middle first. */
export function chunksOf(box: Box, levelShape: Triple, chunk: Triple): Triple[] {
  const first = map3((i) => Math.floor(Math.max(0, box.start[i]) / chunk[i]));
  const last = map3((i) => Math.ceil(Math.min(levelShape[i], box.start[i] + box.shape[i]) / chunk[i]));
  const found: Triple[] = [];
  for (let z = first[0]; z < last[0]; z++) {
    for (let y = first[1]; y < last[1]; y++) {
      for (let x = first[2]; x < last[2]; x++) found.push([z, y, x]);
    }
  }
  const middle = map3((i) => (box.start[i] + box.shape[i] / 2) / chunk[i] - 0.5);
  const away = (at: Triple) => (at[0] - middle[0]) ** 2 + (at[1] - middle[1]) ** 2 + (at[2] - middle[2]) ** 2;
  return found.sort((a, b) => away(a) - away(b));
}

/** The voxels of one chunk, C order (z, y, x); border chunks are as large as the others. */
export interface ChunkVoxels {
  readonly data: Uint8Array | Uint16Array;
  /** Shape of data. */
  readonly shape: Triple;
}

/**
 * Copies the part of a chunk that lies in a box into the box's own array. step takes every step-th voxel of the box, counted from its
 * start; target then has ceil(shape / step) voxels per axis.
 */
export function copyChunk(
  chunk: ChunkVoxels, at: Triple, chunkShape: Triple, box: Box, target: { [index: number]: number }, step: Triple = [1, 1, 1],
): void {
  const origin = map3((i) => at[i] * chunkShape[i]);
  const begin = map3((i) => Math.ceil(Math.max(0, origin[i] - box.start[i]) / step[i]));
  const size = map3((i) => Math.ceil(box.shape[i] / step[i]));
  const end = map3((i) => Math.min(size[i], Math.ceil((origin[i] + chunk.shape[i] - box.start[i]) / step[i])));
  for (let z = begin[0]; z < end[0]; z++) {
    const plane = (box.start[0] + z * step[0] - origin[0]) * chunk.shape[1];
    for (let y = begin[1]; y < end[1]; y++) {
      const row = (plane + box.start[1] + y * step[1] - origin[1]) * chunk.shape[2] + box.start[2] - origin[2];
      const out = (z * size[1] + y) * size[2];
      for (let x = begin[2]; x < end[2]; x++) target[out + x] = chunk.data[row + x * step[2]] as number;
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { Box, Triple, ViewInfo, ViewLevel } from "../api/types";
import { map3, voxels, type Axis } from "./space";

/** Voxels of the volume that one voxel of the level spans, per axis: 1, 2, 4 ... for pyramids, a fraction for views finer than the volume. */
export function factorOf(level: ViewLevel, volumeVoxelSize: Triple): Triple {
  return map3((i) => level.voxelSize[i] / volumeVoxelSize[i]);
}

/**
 * The coarsest level whose voxels are not larger on the screen than a pixel, so that nothing visible is lost and no more than that is
 * fetched; the finest where the screen shows more than there is. axes are those that the pane shows, pixelNm what a pixel spans.
 */
export function levelForZoom(levels: readonly ViewLevel[], axes: readonly Axis[], pixelNm: number): number {
  let best = 0;
  for (const [index, level] of levels.entries()) {
    // A coarser level may leave an axis as it is; only axes that got coarser than the finest level say whether detail is lost.
    const lossy = axes.some((axis) => level.voxelSize[axis] > (levels[0]?.voxelSize[axis] ?? 0) && level.voxelSize[axis] > pixelNm * 1.01);
    if (!lossy) best = Math.max(best, index);
  }
  return best;
}

/** What the graphics card and the browser can hold. */
export interface TextureBudget {
  /** MAX_3D_TEXTURE_SIZE. */
  readonly side: number;
  /** Most voxels of one volume. */
  readonly voxels: number;
}

export interface LevelChoice {
  readonly level: number;
  /** Every step-th voxel is taken, per axis; 1 where the level is taken as it is. */
  readonly step: Triple;
  readonly shape: Triple;
}

/** The box of a level's voxels that a box of the volume's voxels touches. */
export function boxInLevel(view: ViewInfo, level: ViewLevel, volumeVoxelSize: Triple, box: Box): Box {
  const factor = factorOf(level, volumeVoxelSize);
  const first = map3((i) => Math.min(level.shape[i], Math.max(0, Math.floor((box.start[i] - view.start[i]) / factor[i] + 1e-6))));
  const last = map3((i) => Math.min(level.shape[i], Math.max(0, Math.ceil((box.start[i] + box.shape[i] - view.start[i]) / factor[i] - 1e-6))));
  return { start: first, shape: map3((i) => last[i] - first[i]) };
}

/**
 * The finest level that fits. Where none does (the pyramid is not there yet), the coarsest one thinned out, by whole steps, along the
 * axes with the finest voxels first, so that the voxels taken stay as near to cubes as they can be.
 */
export function levelThatFits(shapes: readonly Triple[], voxelSizes: readonly Triple[], budget: TextureBudget): LevelChoice {
  const fits = (shape: Triple) => shape.every((n) => n <= budget.side) && voxels(shape) <= budget.voxels;
  for (const [level, shape] of shapes.entries()) {
    if (fits(shape)) return { level, step: [1, 1, 1], shape };
  }
  const level = shapes.length - 1;
  const whole = shapes[level];
  const size = voxelSizes[level];
  if (whole === undefined || size === undefined) throw new RangeError("a view has at least one level");
  const step: [number, number, number] = [1, 1, 1];
  const taken = () => map3((i) => Math.ceil(whole[i] / step[i]));
  while (!fits(taken())) {
    const now = taken();
    const tooLong = ([0, 1, 2] as const).filter((i) => now[i] > budget.side);
    const candidates = tooLong.length > 0 ? tooLong : ([0, 1, 2] as const).filter((i) => now[i] > 1);
    const finest = [...candidates].sort((a, b) => size[a] * step[a] - size[b] * step[b])[0];
    if (finest === undefined) break;
    step[finest]++;
  }
  return { level, step, shape: taken() };
}

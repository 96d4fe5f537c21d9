// SPDX-License-Identifier: Apache-2.0
import type { Triple, ViewInfo, ViewLevel } from "../api/types";
import { levelThatFits, type TextureBudget } from "../zarr/levels";
import { axisNames, map3, sizeWords, type Axis } from "../zarr/space";

/** The voxels that are drawn: image and classes are brought to the same ones, so that a ray meets both at a place. z, y, x; nm. */
export interface Grid {
  readonly shape: Triple;
  readonly spacing: Triple;
  /** Middle of voxel 0, counted from the corner of the volume. */
  readonly origin: Triple;
}

/** What is read of a view: every step-th voxel of a level. */
export interface Source {
  readonly view: ViewInfo;
  readonly level: ViewLevel;
  readonly step: Triple;
}

export function gridOf({ view, level, step }: Source, volumeVoxelSize: Triple): Grid {
  return {
    shape: map3((i) => Math.ceil(level.shape[i] / step[i])),
    spacing: map3((i) => level.voxelSize[i] * step[i]),
    origin: map3((i) => view.start[i] * volumeVoxelSize[i] + level.voxelSize[i] / 2),
  };
}

/** The finest of a view that fits. */
export function sourceThatFits(view: ViewInfo, budget: TextureBudget): Source {
  const choice = levelThatFits(view.levels.map((l) => l.shape), view.levels.map((l) => l.voxelSize), budget);
  return { view, level: view.levels[choice.level] as ViewLevel, step: choice.step };
}

/** What to read of another view for a grid: the coarsest level that is not coarser than the grid, thinned out to about its spacing. */
export function sourceFor(view: ViewInfo, grid: Grid): Source {
  const axes = [0, 1, 2] as const;
  const fine = view.levels.filter((l) => axes.every((i) => l.voxelSize[i] <= grid.spacing[i] * 1.01));
  const level = fine.at(-1) ?? view.levels[0];
  if (level === undefined) throw new RangeError(`the view ${view.name} has no level`);
  return { view, level, step: map3((i) => Math.max(1, Math.floor(grid.spacing[i] / level.voxelSize[i] + 0.01))) };
}

/** By the grid's place along an axis: the place among the voxels read of a source; -1 beside the view. */
export function placesAlong(axis: Axis, grid: Grid, source: Source, volumeVoxelSize: Triple): Int32Array {
  const { view, level, step } = source;
  const length = Math.ceil(level.shape[axis] / step[axis]);
  return Int32Array.from({ length: grid.shape[axis] }, (_, i) => {
    const nm = grid.origin[axis] + i * grid.spacing[axis] - view.start[axis] * volumeVoxelSize[axis];
    const voxel = Math.floor(nm / level.voxelSize[axis] + 1e-6);
    if (voxel < 0 || voxel >= level.shape[axis]) return -1;
    return Math.min(length - 1, Math.floor(voxel / step[axis]));
  });
}

/** True where every voxel of the view is drawn. */
export function isFinest({ view, level, step }: Source): boolean {
  return level === view.levels[0] && step.every((n) => n === 1);
}

/** "level s1 of 3, 128 × 128 × 64 voxels; the finest, 256 × 256 × 128, would not fit ..." */
export function levelWords({ view, level, step }: Source, budget: TextureBudget, software: boolean): string {
  const shape = map3((i) => Math.ceil(level.shape[i] / step[i]));
  const axes = ([2, 1, 0] as const).filter((i) => step[i] > 1);
  const equal = axes.length === 3 && step.every((n) => n === step[0]);
  const thinned = equal ? `, every ${nth(step[0])} voxel` : axes.map((i) => `, every ${nth(step[i])} voxel along ${axisNames[i]}`).join("");
  const what = `Level ${level.path} of ${view.levels.length}${thinned}, ${sizeWords(shape)} voxels`;
  const finest = view.levels[0];
  if (finest === undefined || (finest === level && thinned === "")) return `${what}: the finest there is.`;
  const why = finest.shape.some((n) => n > budget.side)
    ? `the graphics card takes ${budget.side} voxels along an axis`
    : software
      ? `the browser draws without a graphics card, and ${millions(budget.voxels)} voxels are the most that it can turn`
      : `${millions(budget.voxels)} voxels are the most that are loaded`;
  return `${what}; the finest, ${sizeWords(finest.shape)}, would not fit: ${why}.`;
}

function nth(n: number): string {
  return `${n}${n === 2 ? "nd" : n === 3 ? "rd" : "th"}`;
}

function millions(count: number): string {
  return `${Math.round(count / 1e5) / 10} million`;
}

// SPDX-License-Identifier: Apache-2.0
import type { Box, Triple } from "../api/types";

/** 0 = z, 1 = y, 2 = x. */
export type Axis = 0 | 1 | 2;

export const axisNames = ["z", "y", "x"] as const;

export function map3(f: (axis: Axis) => number): Triple {
  return [f(0), f(1), f(2)];
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}

export function voxels(shape: Triple): number {
  return shape[0] * shape[1] * shape[2];
}

/** The voxels in both boxes; its shape has a 0 when there are none. */
export function intersect(a: Box, b: Box): Box {
  const start = map3((i) => Math.max(a.start[i], b.start[i]));
  return { start, shape: map3((i) => Math.max(0, Math.min(a.start[i] + a.shape[i], b.start[i] + b.shape[i]) - start[i])) };
}

export function contains(box: Box, at: Triple): boolean {
  return ([0, 1, 2] as const).every((i) => at[i] >= box.start[i] && at[i] < box.start[i] + box.shape[i]);
}

/** "x 12, y 34, z 5": people say x first, the API says z first. */
export function wordsOf(at: Triple): string {
  return `x ${at[2]}, y ${at[1]}, z ${at[0]}`;
}

/** "512 × 512 × 64", x first. */
export function sizeWords(shape: Triple): string {
  return `${shape[2]} × ${shape[1]} × ${shape[0]}`;
}

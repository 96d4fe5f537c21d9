// SPDX-License-Identifier: Apache-2.0
import type { Triple } from "../api/types";
import { map3, type Axis } from "../zarr/space";
import type { Grid } from "./grid";

/** A place on the canvas, css pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where a place (z, y, x; nm) is seen. */
export type Project = (place: Triple) => Point;

/** An edge of the box around the volume, in the direction in which its axis counts. */
export interface BoxEdge {
  readonly axis: Axis;
  readonly from: Point;
  readonly to: Point;
  /** Front: before the volume; outline: at its border; back: behind it. */
  readonly side: "front" | "outline" | "back";
  /** True for the one edge of each axis that is to have its name and length. */
  readonly named: boolean;
}

/** Length of the box's edges (z, y, x), nm. */
export function lengthsOf(grid: Grid): Triple {
  return map3((i) => grid.shape[i] * grid.spacing[i]);
}

/** The twelve edges, seen from a place (z, y, x; nm). */
export function edgesOf(grid: Grid, eye: Triple, project: Project): readonly BoxEdge[] {
  const low = map3((i) => grid.origin[i] - grid.spacing[i] / 2);
  const lengths = lengthsOf(grid);
  const ends: readonly [Triple, Triple] = [low, map3((i) => low[i] + lengths[i])];
  const faces = (axis: Axis, end: 0 | 1) => (end === 0 ? eye[axis] < ends[0][axis] : eye[axis] > ends[1][axis]);
  return ([0, 1, 2] as const).flatMap((axis) => {
    const others = ([0, 1, 2] as const).filter((i) => i !== axis) as [Axis, Axis];
    const edges = ([[0, 0], [0, 1], [1, 0], [1, 1]] as const).map((at) => {
      const end = (along: 0 | 1) => project(map3((i) => ends[i === axis ? along : at[others.indexOf(i)] as 0 | 1][i]));
      const seen = Number(faces(others[0], at[0])) + Number(faces(others[1], at[1]));
      return { axis, from: end(0), to: end(1), side: seen === 2 ? "front" : seen === 1 ? "outline" : "back", named: false } as const;
    });
    // Below or to the left of the volume, where a figure's axes stand.
    const place = (e: BoxEdge) => e.from.y + e.to.y - (e.from.x + e.to.x) / 2;
    const best = edges.filter((e) => e.side === "outline").sort((a, b) => place(b) - place(a))[0];
    return edges.map((e) => ({ ...e, named: e === best }));
  });
}

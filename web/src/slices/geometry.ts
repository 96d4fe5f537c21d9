// SPDX-License-Identifier: Apache-2.0
import type { Box, Triple } from "../api/types";
import { clamp, map3, type Axis } from "../zarr/space";

/** A pane: which axis goes right, which goes down, and which one the wheel moves along. */
export interface Plane {
  readonly name: "xy" | "xz" | "yz";
  readonly right: Axis;
  readonly down: Axis;
  readonly through: Axis;
}

/** Placed so that xy shares its y axis with the pane to its right and its x axis with the pane below. */
export const planes: readonly Plane[] = [
  { name: "xy", right: 2, down: 1, through: 0 },
  { name: "yz", right: 0, down: 1, through: 2 },
  { name: "xz", right: 2, down: 0, through: 1 },
];

/** What is looked at, in voxels of the volume; voxel n spans n to n + 1. */
export interface Look {
  /** The voxel under the crosshair. */
  readonly at: Triple;
  /** What lies in the middle of the panes. */
  readonly centre: Triple;
  /** nm that a css pixel spans: the same in all panes and along all axes, so that proportions are true. */
  readonly nmPerPixel: number;
}

export interface Space {
  readonly shape: Triple;
  readonly voxelSize: Triple;
}

/** Panes' sizes in css pixels, by the name of the plane. */
export type Sizes = Readonly<Record<Plane["name"], { readonly width: number; readonly height: number }>>;

const smallest = 1 / 64;

/** The whole volume in all panes. */
export function fit(space: Space, sizes: Sizes): Look {
  let nmPerPixel = 0;
  for (const plane of planes) {
    const size = sizes[plane.name];
    if (size.width < 1 || size.height < 1) continue;
    nmPerPixel = Math.max(
      nmPerPixel,
      (space.shape[plane.right] * space.voxelSize[plane.right]) / size.width,
      (space.shape[plane.down] * space.voxelSize[plane.down]) / size.height,
    );
  }
  const at = map3((i) => Math.floor(space.shape[i] / 2));
  return { at, centre: map3((i) => space.shape[i] / 2), nmPerPixel: (nmPerPixel || 1) * 1.02 };
}

/** Moves the crosshair; where it would leave a pane, the panes come after it. */
export function moveTo(look: Look, to: Triple, space: Space, sizes: Sizes): Look {
  const at = map3((i) => clamp(Math.round(to[i]), 0, space.shape[i] - 1));
  const centre = map3((i) => {
    let reach = Number.POSITIVE_INFINITY;
    for (const plane of planes) {
      const size = sizes[plane.name];
      const pixels = plane.right === i ? size.width : plane.down === i ? size.height : 0;
      if (pixels >= 1) reach = Math.min(reach, (pixels * look.nmPerPixel) / space.voxelSize[i] / 2);
    }
    const here = at[i] + 0.5;
    if (!Number.isFinite(reach) || Math.abs(here - look.centre[i]) <= reach) return look.centre[i];
    // Not quite to the edge, so that what comes next can be seen.
    return here - Math.sign(here - look.centre[i]) * reach * 0.8;
  });
  return { ...look, at, centre };
}

export function step(look: Look, axis: Axis, by: number, space: Space, sizes: Sizes): Look {
  return moveTo(look, map3((i) => look.at[i] + (i === axis ? by : 0)), space, sizes);
}

/** Moves what is shown by css pixels, as a drag does; the crosshair stays on its voxel. */
export function pan(look: Look, plane: Plane, right: number, down: number, space: Space): Look {
  const centre = map3((i) => {
    const pixels = i === plane.right ? right : i === plane.down ? down : 0;
    return clamp(look.centre[i] - (pixels * look.nmPerPixel) / space.voxelSize[i], 0, space.shape[i]);
  });
  return { ...look, centre };
}

/** Zooms by a factor (above 1: closer); the voxel at these css pixels from the pane's middle stays where it is. */
export function zoom(look: Look, plane: Plane, factor: number, right: number, down: number, space: Space): Look {
  const finest = Math.min(...space.voxelSize) * smallest;
  const coarsest = Math.max(...map3((i) => space.shape[i] * space.voxelSize[i])) / 32;
  const nmPerPixel = clamp(look.nmPerPixel / factor, finest, coarsest);
  const centre = map3((i) => {
    const pixels = i === plane.right ? right : i === plane.down ? down : 0;
    return clamp(look.centre[i] + (pixels * (look.nmPerPixel - nmPerPixel)) / space.voxelSize[i], 0, space.shape[i]);
  });
  return { ...look, centre, nmPerPixel };
}

/** Where a css pixel of a pane lies, in voxels; along the axis into the pane, in the middle of the crosshair's voxel. */
export function pointAt(look: Look, plane: Plane, size: { width: number; height: number }, x: number, y: number, space: Space): Triple {
  return map3((i) => {
    if (i === plane.through) return look.at[i] + 0.5;
    const pixels = i === plane.right ? x - size.width / 2 : y - size.height / 2;
    return look.centre[i] + (pixels * look.nmPerPixel) / space.voxelSize[i];
  });
}

/** Css pixel, along an axis of the pane, of a place in voxels. */
export function pixelOf(look: Look, axis: Axis, length: number, voxel: number, space: Space): number {
  return length / 2 + ((voxel - look.centre[axis]) * space.voxelSize[axis]) / look.nmPerPixel;
}

/** The one section of voxels that a pane shows; its shape has a 0 where the volume is out of sight. */
export function visible(look: Look, plane: Plane, size: { width: number; height: number }, space: Space): Box {
  const first = pointAt(look, plane, size, 0, 0, space);
  const last = pointAt(look, plane, size, size.width, size.height, space);
  const start = map3((i) => clamp(Math.floor(first[i]), 0, space.shape[i]));
  const end = map3((i) => (i === plane.through ? start[i] + 1 : clamp(Math.ceil(last[i]), start[i], space.shape[i])));
  return { start, shape: map3((i) => end[i] - start[i]) };
}

/** A round length of 1, 2 or 5 times a power of ten, at most so many nm, for the scale bar. */
export function roundLength(mostNm: number): number {
  const power = 10 ** Math.floor(Math.log10(mostNm));
  return ([5, 2, 1].find((n) => n * power <= mostNm * (1 + 1e-9)) ?? 1) * power;
}

/** False where nobody gave a voxel size: 1 × 1 × 1 nm is what is written then, and lengths are in voxels. */
export function isMeasured(space: Pick<Space, "voxelSize">): boolean {
  return space.voxelSize.some((n) => n !== 1);
}

export function lengthWords(nm: number, space: Pick<Space, "voxelSize">): string {
  if (!isMeasured(space)) return `${Number(nm.toPrecision(4))} voxels`;
  const [value, unit] = nm >= 1e6 ? [nm / 1e6, "mm"] : nm >= 1000 ? [nm / 1000, "µm"] : [nm, "nm"];
  return `${Number(value.toPrecision(4))} ${unit}`;
}

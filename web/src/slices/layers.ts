// SPDX-License-Identifier: Apache-2.0
import type { Triple, ViewInfo } from "../api/types";
import type { ChunkCache, ChunkRequest } from "../zarr/cache";
import { chunksOf, copyChunk } from "../zarr/chunks";
import { boxInLevel, factorOf, levelForZoom } from "../zarr/levels";
import { map3, voxels, type Axis } from "../zarr/space";
import type { ViewReader } from "../zarr/store";
import type { LayerPlane } from "./compose";
import { visible, type Look, type Plane, type Space } from "./geometry";

export interface PaneSize {
  readonly width: number;
  readonly height: number;
  /** Pixels of the canvas per css pixel. */
  readonly density: number;
}

/** A channel of a view: what one layer shows. */
export interface LayerSource {
  readonly reader: Pick<ViewReader, "view" | "chunk">;
  readonly channel: number;
}

export interface Layer {
  readonly plane: LayerPlane;
  /** What it needs of the view, whether it is there or not. */
  readonly requests: readonly ChunkRequest[];
  readonly level: number;
}

export function chunkKey(view: ViewInfo, path: string, channel: number, at: Triple): string {
  return `${view.name}/${path}/${channel}/${at.join("/")}`;
}

/** Cuts what a pane shows of a view out of the chunks that are here, and names the ones to have. */
export function layerOf(source: LayerSource, cache: Pick<ChunkCache, "get">, look: Look, plane: Plane, size: PaneSize, space: Space): Layer {
  const { view } = source.reader;
  const index = levelForZoom(view.levels, [plane.right, plane.down], look.nmPerPixel / size.density);
  const level = view.levels[index];
  if (level === undefined) throw new RangeError(`the view ${view.name} has no level`);
  const touched = boxInLevel(view, level, space.voxelSize, visible(look, plane, size, space));
  // A view finer than the volume has more than one section there; the first stands for them.
  const box = { start: touched.start, shape: map3((i) => (i === plane.through ? Math.min(1, touched.shape[i]) : touched.shape[i])) };
  const requests: ChunkRequest[] = [];
  const values = new Int32Array(voxels(box.shape)).fill(-1);
  if (values.length > 0) {
    for (const at of chunksOf(box, level.shape, level.chunk)) {
      const key = chunkKey(view, level.path, source.channel, at);
      requests.push({ key, load: (signal) => source.reader.chunk(level, at, source.channel, signal) });
      const chunk = cache.get(key);
      if (chunk !== null) copyChunk(chunk, at, level.chunk, box, values);
    }
  }
  const factor = factorOf(level, space.voxelSize);
  const stride: Triple = [box.shape[1] * box.shape[2], box.shape[2], 1];
  const places = (axis: Axis, length: number) => {
    const found = new Int32Array(Math.round(length * size.density));
    for (let pixel = 0; pixel < found.length; pixel++) {
      const voxel = look.centre[axis] + (((pixel + 0.5) / size.density - length / 2) * look.nmPerPixel) / space.voxelSize[axis];
      const place = Math.floor((voxel - view.start[axis]) / factor[axis]) - box.start[axis];
      found[pixel] = values.length > 0 && place >= 0 && place < box.shape[axis] ? place * stride[axis] : -1;
    }
    return found;
  };
  return { plane: { values, columns: places(plane.right, size.width), rows: places(plane.down, size.height) }, requests, level: index };
}

/** The chunk of the finest level that holds a voxel of the volume, and the voxel's value once the chunk is here; null outside the view. */
export function voxelOf(
  source: LayerSource, cache: Pick<ChunkCache, "get">, at: Triple, space: Space,
): { readonly request: ChunkRequest; readonly value: number | null } | null {
  const { view } = source.reader;
  const level = view.levels[0];
  if (level === undefined) return null;
  const factor = factorOf(level, space.voxelSize);
  const place = map3((i) => Math.floor((at[i] + 0.5 - view.start[i]) / factor[i]));
  if (!place.every((n, i) => n >= 0 && n < (level.shape[i] ?? 0))) return null;
  const chunkAt = map3((i) => Math.floor(place[i] / level.chunk[i]));
  const key = chunkKey(view, level.path, source.channel, chunkAt);
  const chunk = cache.get(key);
  const inside = map3((i) => place[i] % level.chunk[i]);
  return {
    request: { key, load: (signal) => source.reader.chunk(level, chunkAt, source.channel, signal) },
    value: chunk === null ? null : (chunk.data[(inside[0] * chunk.shape[1] + inside[1]) * chunk.shape[2] + inside[2]] ?? null),
  };
}

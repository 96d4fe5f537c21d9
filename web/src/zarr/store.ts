// SPDX-License-Identifier: Apache-2.0
import * as zarr from "zarrita";
import { readProblem } from "../api/problems";
import type { Triple, ViewInfo, ViewLevel } from "../api/types";
import type { ChunkVoxels } from "./chunks";

/** Reads the chunks of a view's levels: zarrita unpacks them (blosc, zlib), and a chunk that was never written is its fill value. */
export class ViewReader {
  private readonly levels = new Map<string, Promise<zarr.Array<zarr.DataType, zarr.FetchStore>>>();
  private readonly store: zarr.FetchStore;

  constructor(readonly view: ViewInfo) {
    this.store = new zarr.FetchStore(new URL(view.url, window.location.href), { fetch: ask });
  }

  async chunk(level: ViewLevel, at: Triple, channel: number, signal: AbortSignal): Promise<ChunkVoxels> {
    const array = await this.open(level);
    signal.throwIfAborted();
    const before = array.shape.length - 3;
    // (c, z, y, x) or (t, c, z, y, x): the channel is the last of the axes before space, and of time only the first point is shown.
    const place = Array.from({ length: before }, (_, i) => (i === before - 1 ? channel : 0));
    const { data, shape } = await array.getChunk([...place, ...at], { signal });
    if (!(data instanceof Uint8Array || data instanceof Uint16Array)) throw new TypeError(`${this.view.name} holds ${array.dtype}; only uint8 and uint16 are shown.`);
    return { data, shape: [shape[before] ?? 1, shape[before + 1] ?? 1, shape[before + 2] ?? 1] };
  }

  private open(level: ViewLevel): Promise<zarr.Array<zarr.DataType, zarr.FetchStore>> {
    let opened = this.levels.get(level.path);
    if (opened === undefined) {
      opened = zarr.open.v2(zarr.root(this.store).resolve(level.path), { kind: "array", attrs: false });
      this.levels.set(level.path, opened);
      // A break while opening must not be kept for ever.
      opened.catch(() => this.levels.delete(level.path));
    }
    return opened;
  }
}

async function ask(request: Request): Promise<Response> {
  const response = await fetch(new Request(request, { credentials: "same-origin" }));
  if (response.ok || response.status === 404) return response;
  throw await readProblem(response);
}

/** The channel of a probabilities view that holds a class; a network of one output has only its own. */
export function channelOf(view: ViewInfo, classId: number): number {
  return Math.min(classId, Math.max(1, view.channels) - 1);
}

// SPDX-License-Identifier: Apache-2.0
import type { ViewInfo, Views } from "../api/types";
import { readRegion } from "../zarr/region";
import { voxels } from "../zarr/space";
import { ViewReader } from "../zarr/store";
import { drawnClasses, drawnOutcomes, nothing, toBytes, toGrid, type Read } from "./fill";
import { sourceFor, type Grid, type Source } from "./grid";

/** What is drawn over the image. */
export type Drawn =
  | { readonly kind: "none" }
  | { readonly kind: "classes"; readonly labels: ViewInfo }
  | { readonly kind: "outcomes"; readonly truth: ViewInfo; readonly labels: ViewInfo; readonly classId: number };

export type Progress = (fraction: number, what: string) => void;

/**
 * Reads volumes for one grid and keeps the last labels, so that another class's errors and the way back from them are there at once.
 */
export class VolumeLoader {
  private readonly labels = new Map<string, Promise<Uint8Array>>();

  constructor(private readonly views: Views, private readonly grid: Grid, private readonly signal: AbortSignal) {}

  async image(source: Source, progress: Progress): Promise<Uint8Array> {
    // Labels may be what there is; their voxels are then the frame, and no image is in it.
    if (source.view.kind !== "image") return new Uint8Array(voxels(this.grid.shape));
    const read = await this.read(source, 0, progress);
    return toBytes(read.data);
  }

  async drawn(what: Drawn, progress: Progress): Promise<Uint8Array | null> {
    switch (what.kind) {
      case "none":
        return null;
      case "classes":
        return drawnClasses(await this.labelsOf(what.labels, progress));
      case "outcomes": {
        const truth = await this.labelsOf(what.truth, progress);
        return drawnOutcomes(truth, await this.labelsOf(what.labels, progress), what.classId);
      }
    }
  }

  private labelsOf(view: ViewInfo, progress: Progress): Promise<Uint8Array> {
    let found = this.labels.get(view.name);
    this.labels.delete(view.name);
    if (found === undefined) {
      found = this.read(sourceFor(view, this.grid), 0, progress).then((read) => toGrid(read, this.grid, this.views.voxelSize, nothing));
      // Truth and one prediction are what errors need; more would only fill the memory.
      for (const name of [...this.labels.keys()].slice(0, Math.max(0, this.labels.size - 1))) this.labels.delete(name);
      found.catch(() => this.labels.delete(view.name));
    }
    // The last used stand last.
    this.labels.set(view.name, found);
    return found;
  }

  private async read(source: Source, channel: number, progress: Progress): Promise<Read> {
    const { view, level, step } = source;
    progress(0, view.name);
    const box = { start: [0, 0, 0] as const, shape: level.shape };
    const data = await readRegion(new ViewReader(view), level, channel, box, step, this.signal, (done, all) => progress(done / all, view.name));
    return { source, data };
  }
}

// SPDX-License-Identifier: Apache-2.0
import type { ViewInfo, Views } from "../api/types";
import { readRegion } from "../zarr/region";
import { voxels } from "../zarr/space";
import { channelOf, ViewReader } from "../zarr/store";
import { calledByLabels, calledByThreshold, drawnClasses, drawnOutcomes, nothing, toBytes, toGrid, type Read } from "./fill";
import { sourceFor, type Grid, type Source } from "./grid";

/** What is drawn over the image. */
export type Drawn =
  | { readonly kind: "none" }
  | { readonly kind: "classes"; readonly labels: ViewInfo }
  | { readonly kind: "outcomes"; readonly truth: ViewInfo; readonly called: Called; readonly classId: number };

/** By what a voxel is called a class. */
export type Called = { readonly by: "labels"; readonly labels: ViewInfo } | Thresholded;

export interface Thresholded {
  readonly by: "threshold";
  readonly greys: ViewInfo;
  readonly threshold: number;
}

export type Progress = (fraction: number, what: string) => void;

/** Reads volumes for one grid and keeps the last two, so that another class's errors and the way back from them are there at once. */
export class VolumeLoader {
  private readonly kept = new Map<string, Promise<Uint8Array>>();
  private readonly leaving = new AbortController();

  constructor(private readonly views: Views, private readonly grid: Grid) {}

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
        return drawnOutcomes(truth, await this.calledOf(what.called, what.classId, progress), what.classId);
      }
    }
  }

  /** Stops what is being read. */
  close(): void {
    this.leaving.abort();
  }

  private labelsOf(view: ViewInfo, progress: Progress): Promise<Uint8Array> {
    return this.keep(view.name, async () => this.onGrid(await this.read(sourceFor(view, this.grid), 0, progress)));
  }

  private async calledOf(called: Called, classId: number, progress: Progress): Promise<Uint8Array> {
    if (called.by === "labels") return calledByLabels(await this.labelsOf(called.labels, progress), classId);
    const { greys, threshold } = called;
    return this.keep(`${greys.name} ${classId} ${threshold}`, async () => {
      const { source, data } = await this.read(sourceFor(greys, this.grid), channelOf(greys, classId), progress);
      return this.onGrid({ source, data: calledByThreshold(data, threshold) });
    });
  }

  private onGrid(read: Read): Uint8Array {
    return toGrid(read, this.grid, this.views.voxelSize, nothing);
  }

  private keep(key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
    let found = this.kept.get(key);
    this.kept.delete(key);
    if (found === undefined) {
      found = make();
      // Truth and one prediction are what errors need; more would only fill the memory.
      for (const name of [...this.kept.keys()].slice(0, Math.max(0, this.kept.size - 1))) this.kept.delete(name);
      found.catch(() => this.kept.delete(key));
    }
    // The last used stand last.
    this.kept.set(key, found);
    return found;
  }

  private async read(source: Source, channel: number, progress: Progress): Promise<Read> {
    const { view, level, step } = source;
    progress(0, view.name);
    const box = { start: [0, 0, 0] as const, shape: level.shape };
    const data = await readRegion(new ViewReader(view), level, channel, box, step, this.leaving.signal, (done, all) => progress(done / all, view.name));
    return { source, data };
  }
}

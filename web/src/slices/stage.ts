// SPDX-License-Identifier: Apache-2.0
import type { ViewInfo, Views } from "../api/types";
import { ChunkCache, type ChunkRequest } from "../zarr/cache";
import { channelOf, ViewReader } from "../zarr/store";
import { compose, rgbOf, type LayerPlane, type Overlay } from "./compose";
import { planes, type Look, type Plane, type Sizes } from "./geometry";
import { layerOf, voxelOf, type LayerSource, type PaneSize } from "./layers";
import { drawMarks, regionsOf } from "./marks";
import { outcomeColours } from "./scoring";
import { greysOf, imagesOf, labelsOf, truthOf, type Settings } from "./settings";
import { adjust, levelsOf, toneTable, windowOf, type Window } from "./tone";

/** Bytes of unpacked chunks to keep: some hundred sections of what a screen shows. */
const cacheBytes = 256 * 2 ** 20;

export interface Scene {
  readonly views: Views;
  readonly look: Look;
  readonly settings: Settings;
  readonly threshold: number;
  /** Black and white before brightness and contrast; null: the type's whole range. */
  readonly base: Window | null;
}

/** What one view holds under the crosshair. */
export interface ReadVoxel {
  readonly name: string;
  readonly labels: boolean;
  readonly inside: boolean;
  /** Null outside the view, and until it has come. */
  readonly value: number | null;
}

export interface StageState {
  /** What was drawn last. */
  readonly scene: Scene | null;
  /** Nothing of it is on its way. */
  readonly settled: boolean;
  readonly failure: unknown;
  readonly voxels: readonly ReadVoxel[];
}

/** Fetches and draws what the panes show. Drawing waits for the screen's next frame, so that many changes cost one. */
export class SliceStage {
  private readonly cache = new ChunkCache(cacheBytes, () => this.draw());
  private readonly readers = new Map<string, ViewReader>();
  private readonly canvases = new Map<Plane, HTMLCanvasElement>();
  private readonly observer: ResizeObserver;
  private scene: Scene | null = null;
  private frame = 0;
  private sized: (() => void) | null = null;
  private xyImage: LayerPlane | null = null;

  constructor(private readonly onState: (state: StageState) => void) {
    this.observer = new ResizeObserver(() => {
      if (this.sized !== null && [...this.canvases.values()].some((c) => c.clientWidth > 0)) {
        this.sized();
        this.sized = null;
      }
      this.draw();
    });
  }

  attach(plane: Plane, canvas: HTMLCanvasElement | null): void {
    const old = this.canvases.get(plane);
    if (old !== undefined) this.observer.unobserve(old);
    if (canvas === null) {
      this.canvases.delete(plane);
      this.cache.want(plane.name, []);
    } else {
      this.canvases.set(plane, canvas);
      this.observer.observe(canvas);
    }
  }

  /** Calls once the panes have been laid out. */
  whenSized(call: () => void): void {
    this.sized = call;
  }

  sizes(): Sizes {
    const sizes: Record<string, { width: number; height: number }> = {};
    for (const plane of planes) {
      const canvas = this.canvases.get(plane);
      sizes[plane.name] = { width: canvas?.clientWidth ?? 0, height: canvas?.clientHeight ?? 0 };
    }
    return sizes as Sizes;
  }

  show(scene: Scene): void {
    if (this.scene !== null && this.scene.views !== scene.views) this.renew(this.scene.views, scene.views);
    this.scene = scene;
    this.draw();
  }

  retry(): void {
    this.cache.retry();
    this.draw();
  }

  /** Black and white that fit the xy section on the screen; null while nothing of it is here. */
  autoWindow(): Window | null {
    const view = this.imageView();
    return this.xyImage === null || view === null ? null : windowOf(this.xyImage.values, levelsOf(view.type));
  }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.observer.disconnect();
    this.cache.close();
    this.scene = null;
  }

  /** Chunks of what was still being written may have changed, a missing one become one with voxels. */
  private renew(old: Views, now: Views): void {
    for (const view of old.views) {
      const next = now.views.find((v) => v.name === view.name);
      this.readers.delete(view.name);
      if (!view.ready || next?.url !== view.url) this.cache.forget(`${view.name}/`);
    }
  }

  private draw(): void {
    if (this.frame !== 0 || this.scene === null) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.scene !== null) this.drawNow(this.scene);
    });
  }

  private drawNow(scene: Scene): void {
    const { views, look } = scene;
    for (const [plane, canvas] of this.canvases) this.drawPane(scene, plane, canvas);
    const read: ReadVoxel[] = [];
    const requests: ChunkRequest[] = [];
    for (const { name, source } of this.readable(scene)) {
      const found = voxelOf(source, this.cache, look.at, views);
      if (found !== null) requests.push(found.request);
      read.push({ name, labels: source.reader.view.kind === "labels", inside: found !== null, value: found?.value ?? null });
    }
    this.cache.want("readout", requests);
    this.onState({ scene, settled: !this.cache.waiting, failure: this.cache.failure, voxels: read });
  }

  private drawPane(scene: Scene, plane: Plane, canvas: HTMLCanvasElement): void {
    const { views, look, settings } = scene;
    const size: PaneSize = { width: canvas.clientWidth, height: canvas.clientHeight, density: Math.min(2, window.devicePixelRatio || 1) };
    const [width, height] = [Math.round(size.width * size.density), Math.round(size.height * size.density)];
    const context = canvas.getContext("2d");
    if (width < 1 || height < 1 || context === null) {
      this.cache.want(plane.name, []);
      return;
    }
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const requests: ChunkRequest[] = [];
    const layer = (source: LayerSource | null) => {
      if (source === null) return null;
      const made = layerOf(source, this.cache, look, plane, size, views);
      requests.push(...made.requests);
      return made.plane;
    };
    const view = this.imageView();
    const image = layer(this.source(view));
    if (plane.name === "xy") this.xyImage = image;
    const levels = levelsOf(view?.type ?? "uint8");
    const tones = toneTable(adjust(scene.base ?? { black: 0, white: levels - 1 }, settings.brightness, settings.contrast), levels);
    const picture = context.createImageData(width, height);
    compose({ width, height, pixels: picture.data }, image, tones, this.overlay(scene, layer), settings.opacity);
    context.putImageData(picture, 0, 0);
    drawMarks(context, look, plane, size, views, regionsOf(views));
    this.cache.want(plane.name, requests);
  }

  private overlay({ views, settings, threshold }: Scene, layer: (source: LayerSource | null) => LayerPlane | null): Overlay {
    const none: Overlay = { kind: "none" };
    const { overlay, prediction, classId } = settings;
    const found = views.classes.find((c) => c.id === classId);
    if (overlay === "truth" || overlay === "prediction") {
      const labels = layer(this.source(overlay === "truth" ? truthOf(views) : labelsOf(views, prediction)));
      const colours: (ReturnType<typeof rgbOf> | null)[] = [];
      for (const c of views.classes) colours[c.id] = settings.hidden.has(c.id) ? null : rgbOf(c.colour);
      return labels === null ? none : { kind: "labels", labels, colours };
    }
    const greys = greysOf(views, prediction);
    if (overlay === "greys" && found !== undefined) {
      const plane = layer(this.source(greys, classId));
      return plane === null ? none : { kind: "greys", greys: plane, threshold, colour: rgbOf(found.colour) };
    }
    if (overlay === "outcomes") {
      const truth = layer(this.source(truthOf(views)));
      const called = layer(greys === null ? this.source(labelsOf(views, prediction)) : this.source(greys, classId));
      if (truth === null || called === null) return none;
      return { kind: "outcomes", truth, called, classId, threshold: greys === null ? null : threshold, colours: outcomeColours.map((c, i) => (i === 0 ? null : rgbOf(c))) };
    }
    return none;
  }

  /** What the readout tells: the image, the labels, and the class's output where a class is looked at. */
  private readable({ views, settings }: Scene): { readonly name: string; readonly source: LayerSource }[] {
    const found: { name: string; source: LayerSource }[] = [];
    const add = (name: string, view: ViewInfo | null, classId?: number) => {
      const source = this.source(view, classId);
      if (source !== null) found.push({ name, source });
    };
    add("Grey", this.imageView());
    add("Truth", truthOf(views));
    if (settings.prediction !== "") add("Predicted", labelsOf(views, settings.prediction));
    if (settings.overlay === "greys" || settings.overlay === "outcomes") add("Output", greysOf(views, settings.prediction), settings.classId);
    return found;
  }

  private imageView(): ViewInfo | null {
    if (this.scene === null) return null;
    const { views, settings } = this.scene;
    return imagesOf(views).find((v) => v.name === settings.image) ?? null;
  }

  private source(view: ViewInfo | null, classId?: number): LayerSource | null {
    if (view === null) return null;
    let reader = this.readers.get(view.name);
    if (reader === undefined) {
      reader = new ViewReader(view);
      this.readers.set(view.name, reader);
    }
    return { reader, channel: classId === undefined ? 0 : channelOf(view, classId) };
  }
}

// SPDX-License-Identifier: Apache-2.0
import { outcomeOf } from "./scoring";

/** One layer of a pane: voxels of a rectangle of one section, -1 where they have not come, and where the canvas's pixels find theirs. */
export interface LayerPlane {
  readonly values: Int32Array;
  /** By the canvas's column and row: what each adds to the place in values; -1 outside. */
  readonly columns: Int32Array;
  readonly rows: Int32Array;
}

export type Rgb = readonly [number, number, number];

/** What is drawn over the image. */
export type Overlay =
  | { readonly kind: "none" }
  | { readonly kind: "labels"; readonly labels: LayerPlane; /** By class id; null: not drawn. */ readonly colours: readonly (Rgb | null)[] }
  | { readonly kind: "greys"; readonly greys: LayerPlane; readonly threshold: number; readonly colour: Rgb }
  | {
    readonly kind: "outcomes"; readonly truth: LayerPlane; readonly classId: number;
    /** Outputs called from the threshold on; or labels, of which the class itself is called. */
    readonly called: LayerPlane; readonly threshold: number | null; readonly colours: readonly (Rgb | null)[];
  };

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGBA. */
  readonly pixels: Uint8ClampedArray;
}

function at(layer: LayerPlane, row: number, column: number): number {
  const y = layer.rows[row] as number;
  const x = layer.columns[column] as number;
  return y < 0 || x < 0 ? -1 : (layer.values[y + x] as number);
}

/** Draws image and overlay into the picture; where nothing is, it stays transparent. opacity is 0..1. */
export function compose(picture: Picture, image: LayerPlane | null, tones: Uint8ClampedArray, overlay: Overlay, opacity: number): void {
  const { width, height, pixels } = picture;
  pixels.fill(0);
  const paint = painter(overlay, opacity);
  for (let row = 0, place = 0; row < height; row++) {
    for (let column = 0; column < width; column++, place += 4) {
      const level = image === null ? -1 : at(image, row, column);
      if (level >= 0) {
        const grey = tones[level] as number;
        pixels[place] = grey;
        pixels[place + 1] = grey;
        pixels[place + 2] = grey;
        pixels[place + 3] = 255;
      }
      paint(pixels, place, row, column);
    }
  }
}

type Paint = (pixels: Uint8ClampedArray, place: number, row: number, column: number) => void;

function painter(overlay: Overlay, opacity: number): Paint {
  switch (overlay.kind) {
    case "none":
      return () => undefined;
    case "labels":
      return (pixels, place, row, column) => {
        const id = at(overlay.labels, row, column);
        if (id >= 0) blend(pixels, place, overlay.colours[id] ?? null, opacity);
      };
    case "greys":
      return (pixels, place, row, column) => {
        const grey = at(overlay.greys, row, column);
        // Below the threshold a faint veil still tells where the network leans to the class.
        if (grey > 0) blend(pixels, place, overlay.colour, grey >= overlay.threshold ? opacity : (opacity * 0.5 * grey) / 255);
      };
    case "outcomes":
      return (pixels, place, row, column) => {
        const truth = at(overlay.truth, row, column);
        const value = at(overlay.called, row, column);
        if (truth < 0 || value < 0) return;
        const called = overlay.threshold === null ? value === overlay.classId : value >= overlay.threshold;
        blend(pixels, place, overlay.colours[outcomeOf(called, truth, overlay.classId)] ?? null, opacity);
      };
  }
}

function blend(pixels: Uint8ClampedArray, place: number, colour: Rgb | null, opacity: number): void {
  if (colour === null) return;
  const under = ((pixels[place + 3] as number) / 255) * (1 - opacity);
  const alpha = opacity + under;
  if (alpha <= 0) return;
  for (let i = 0; i < 3; i++) pixels[place + i] = ((colour[i] as number) * opacity + (pixels[place + i] as number) * under) / alpha;
  pixels[place + 3] = alpha * 255;
}

/** "#rrggbb". */
export function rgbOf(colour: string): Rgb {
  const value = Number.parseInt(colour.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { compose, rgbOf, type LayerPlane, type Overlay } from "./compose";
import { toneTable } from "./tone";

/** A layer whose voxels lie under the pixels one to one. */
function layer(...values: number[]): LayerPlane {
  return { values: Int32Array.from(values), columns: Int32Array.from(values, (_, i) => i), rows: Int32Array.of(0) };
}

function draw(image: LayerPlane | null, overlay: Overlay, opacity = 1): number[][] {
  const width = 4;
  const pixels = new Uint8ClampedArray(width * 4);
  compose({ width, height: 1, pixels }, image, toneTable({ black: 0, white: 255 }, 256), overlay, opacity);
  return Array.from({ length: width }, (_, i) => [...pixels.slice(4 * i, 4 * i + 4)]);
}

const grey = layer(10, 20, 30, -1);

describe("compose", () => {
  it("draws the image where there is one", () => {
    expect(draw(grey, { kind: "none" })).toEqual([[10, 10, 10, 255], [20, 20, 20, 255], [30, 30, 30, 255], [0, 0, 0, 0]]);
  });
  it("draws the classes that are chosen in their colours", () => {
    const drawn = draw(grey, { kind: "labels", labels: layer(1, 2, 255, 1), colours: [null, rgbOf("#ff0080"), null] });
    expect(drawn).toEqual([[255, 0, 128, 255], [20, 20, 20, 255], [30, 30, 30, 255], [255, 0, 128, 255]]);
  });
  it("mixes by the opacity", () => {
    expect(draw(layer(100, 0, 0, 0), { kind: "labels", labels: layer(0, -1, -1, -1), colours: [[200, 100, 0]] }, 0.5)[0]).toEqual([150, 100, 50, 255]);
  });
  it("draws outputs from the threshold on, and a veil below it", () => {
    const drawn = draw(layer(0, 0, 0, 0), { kind: "greys", greys: layer(128, 127, 0, -1), threshold: 128, colour: [200, 0, 0] });
    expect(drawn.map((p) => p[0])).toEqual([200, 50, 0, 0]);
  });
  it("draws true and false positives and false negatives by the threshold", () => {
    const overlay: Overlay = {
      kind: "outcomes", truth: layer(3, 1, 3, 255), classId: 3, called: layer(200, 201, 199, 250), threshold: 200,
      colours: [null, [1, 1, 1], [2, 2, 2], [3, 3, 3]],
    };
    expect(draw(null, overlay).map((p) => p[0])).toEqual([1, 2, 3, 0]);
  });
  it("takes labels where there are no outputs", () => {
    const overlay: Overlay = {
      kind: "outcomes", truth: layer(3, 1, 3, 3), classId: 3, called: layer(3, 3, 0, -1), threshold: null, colours: [null, [1, 1, 1], [2, 2, 2], [3, 3, 3]],
    };
    expect(draw(null, overlay).map((p) => p[0])).toEqual([1, 2, 3, 0]);
  });
  it("reads voxels through the columns of a layer that is zoomed", () => {
    const zoomed: LayerPlane = { values: Int32Array.of(5, 6), columns: Int32Array.of(0, 0, 1, -1), rows: Int32Array.of(0) };
    expect(draw(zoomed, { kind: "none" }).map((p) => p[0])).toEqual([5, 5, 6, 0]);
  });
});

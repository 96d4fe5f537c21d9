// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { fit, lengthWords, moveTo, pan, pixelOf, planes, pointAt, roundLength, step, visible, zoom, type Plane } from "./geometry";

const space = { shape: [20, 400, 600], voxelSize: [50, 5, 5] } as const;
const sizes = { xy: { width: 600, height: 400 }, yz: { width: 200, height: 400 }, xz: { width: 600, height: 200 } };
const [xy, , xz] = planes as [Plane, Plane, Plane];

describe("fit", () => {
  it("shows the whole volume, in true proportion", () => {
    const look = fit(space, sizes);
    expect(look.at).toEqual([10, 200, 300]);
    for (const plane of planes) {
      const { shape } = visible(look, plane, sizes[plane.name], space);
      expect([shape[plane.right], shape[plane.down]]).toEqual([space.shape[plane.right], space.shape[plane.down]]);
    }
    // A section is ten times as thick as a voxel is wide.
    const thick = pixelOf(look, 0, 200, 1, space) - pixelOf(look, 0, 200, 0, space);
    const wide = pixelOf(look, 2, 600, 1, space) - pixelOf(look, 2, 600, 0, space);
    expect(thick / wide).toBeCloseTo(10);
  });
});

describe("zoom", () => {
  it("keeps the voxel under the pointer where it is", () => {
    const look = fit(space, sizes);
    const before = pointAt(look, xy, sizes.xy, 420, 90, space);
    const after = pointAt(zoom(look, xy, 1.7, 420 - 300, 90 - 200, space), xy, sizes.xy, 420, 90, space);
    expect(after[1]).toBeCloseTo(before[1]);
    expect(after[2]).toBeCloseTo(before[2]);
  });
  it("has bounds", () => {
    let look = fit(space, sizes);
    for (let i = 0; i < 200; i++) look = zoom(look, xy, 2, 0, 0, space);
    expect(look.nmPerPixel).toBeCloseTo(5 / 64);
  });
});

describe("moveTo", () => {
  it("stays in the volume", () => {
    expect(moveTo(fit(space, sizes), [-5, 1e9, 7.6], space, sizes).at).toEqual([0, 399, 8]);
  });
  it("brings the crosshair back into sight when it leaves", () => {
    const close = zoom(fit(space, sizes), xy, 8, 0, 0, space);
    const moved = moveTo(close, [10, 200, 590], space, sizes);
    const x = pixelOf(moved, 2, sizes.xy.width, 590.5, space);
    expect(x).toBeGreaterThan(0);
    expect(x).toBeLessThan(600);
  });
  it("leaves the panes as they are while it is in sight", () => {
    const look = fit(space, sizes);
    expect(step(look, 0, 1, space, sizes)).toEqual({ ...look, at: [11, 200, 300] });
  });
});

describe("pan", () => {
  it("moves what is shown with the pointer and leaves the crosshair on its voxel", () => {
    const look = zoom(fit(space, sizes), xy, 4, 0, 0, space);
    const moved = pan(look, xy, 30, -12, space);
    expect(pixelOf(moved, 2, 600, 300, space) - pixelOf(look, 2, 600, 300, space)).toBeCloseTo(30);
    expect(pixelOf(moved, 1, 400, 200, space) - pixelOf(look, 1, 400, 200, space)).toBeCloseTo(-12);
    expect(moved.at).toEqual(look.at);
  });
});

describe("visible", () => {
  it("is one section, and only what the pane shows of it", () => {
    const look = { at: [3, 7, 9], centre: [10, 200, 300], nmPerPixel: 5 } as const;
    expect(visible(look, xy, { width: 100, height: 50 }, space)).toEqual({ start: [3, 175, 250], shape: [1, 50, 100] });
    expect(visible(look, xz, { width: 100, height: 50 }, space)).toEqual({ start: [7, 7, 250], shape: [6, 1, 100] });
  });
});

describe("roundLength", () => {
  it("is 1, 2 or 5 times a power of ten", () => {
    expect([999, 1000, 430, 77, 0.3].map(roundLength)).toEqual([500, 1000, 200, 50, 0.2]);
    expect([200, 5000, 2e6].map((nm) => lengthWords(nm, space))).toEqual(["200 nm", "5 µm", "2 mm"]);
  });

  it("is in voxels where nobody gave their size", () => {
    expect(lengthWords(2000, { voxelSize: [1, 1, 1] })).toBe("2000 voxels");
  });
});

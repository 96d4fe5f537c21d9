// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ViewInfo, Views } from "../api/types";
import { gridOf } from "./grid";
import { cutOf, drawnOf, frameOf, keyOf, modesOf, pictureWords, settingsFor, thresholdedOf } from "./settings";

const view = (name: string, kind: ViewInfo["kind"], prediction: string | null = null): ViewInfo => ({
  name, kind, prediction, url: `/${name}`, start: [0, 0, 0], type: "uint8", channels: 1, ready: true,
  levels: [{ path: "s0", shape: [4, 4, 4], voxelSize: [1, 1, 1], chunk: [4, 4, 4] }],
});
const views = (...list: ViewInfo[]): Views => ({
  shape: [4, 4, 4], voxelSize: [1, 1, 1], views: list,
  classes: [{ id: 0, name: "cytosol", colour: "#8d99ae" }, { id: 1, name: "synapses", colour: "#ffd166" }],
});
const all = views(view("raw", "image"), view("truth", "labels"), view("labels", "labels", "multiclass"));

describe("modesOf", () => {
  it("has errors only where there are truth and a prediction", () => {
    expect(modesOf(all).map(([mode]) => mode)).toEqual(["prediction", "truth", "errors", "none"]);
    expect(modesOf(views(view("raw", "image"), view("labels", "labels", "multiclass"))).map(([mode]) => mode)).toEqual(["prediction", "none"]);
    expect(modesOf(views(view("raw", "image"))).map(([mode]) => mode)).toEqual(["none"]);
  });
});

describe("settingsFor", () => {
  it("begins with the prediction and without the background", () => {
    const settings = settingsFor(all, null);
    expect(settings.mode).toBe("prediction");
    expect([...settings.shown]).toEqual([1]);
  });
  it("keeps what there is and leaves what there is no more", () => {
    const old = { ...settingsFor(all, null), mode: "errors" as const, imageOpacity: 0.9 };
    expect(settingsFor(all, old).mode).toBe("errors");
    const left = settingsFor(views(view("raw", "image"), view("truth", "labels")), old);
    expect(left.mode).toBe("truth");
    expect(left.imageOpacity).toBe(0.9);
  });
});

describe("frameOf", () => {
  it("is the image, and labels where there is none, which then is not seen", () => {
    expect(frameOf(all, "raw")?.name).toBe("raw");
    const dark = views(view("labels", "labels", "multiclass"));
    expect(frameOf(dark, "raw")?.name).toBe("labels");
    expect(settingsFor(dark, settingsFor(all, null)).imageOpacity).toBe(0);
    expect(frameOf(views(), "")).toBeNull();
  });

  it("is the chosen one of several images, and the first while none is chosen", () => {
    const several = views(view("raw", "image"), view("lr", "image"), view("boosted", "image"));
    const settings = settingsFor(several, null);
    expect(settings.image).toBe("raw");
    expect(frameOf(several, "boosted")?.name).toBe("boosted");
    expect(settingsFor(several, { ...settings, image: "lr" }).image).toBe("lr");
    expect(settingsFor(all, { ...settings, image: "lr" }).image).toBe("raw");
  });
});

describe("drawnOf", () => {
  it("draws other voxels for another class's errors, and the same ones for other shown classes", () => {
    const settings = settingsFor(all, null);
    const errors = (classId: number) => keyOf(drawnOf(all, { ...settings, mode: "errors", classId }, null));
    expect(errors(0)).not.toBe(errors(1));
    expect(keyOf(drawnOf(all, { ...settings, shown: new Set([0]) }, null))).toBe(keyOf(drawnOf(all, settings, null)));
    expect(drawnOf(all, { ...settings, mode: "none" }, null).kind).toBe("none");
  });

  it("calls by the class's own threshold where outputs are as fine as the grid, else by the labels", () => {
    const greys = view("probabilities", "probabilities", "multiclass");
    const scored = views(...all.views, greys);
    const settings = { ...settingsFor(scored, null), mode: "errors" as const };
    const fine = gridOf({ view: greys, level: greys.levels[0] as ViewInfo["levels"][number], step: [1, 1, 1] }, scored.voxelSize);
    const coarse = { ...fine, spacing: [2, 2, 2] as const };
    const drawn = (change: Partial<typeof settings>, threshold: number | null, grid: typeof fine) => {
      const chosen = { ...settings, ...change };
      return drawnOf(scored, chosen, thresholdedOf(scored, chosen, threshold, grid));
    };
    expect(drawn({}, 131, fine)).toMatchObject({ called: { by: "threshold", threshold: 131 } });
    expect(drawn({ calledBy: "labels" }, 131, fine)).toMatchObject({ called: { by: "labels" } });
    expect(drawn({}, null, fine)).toMatchObject({ called: { by: "labels" } });
    expect(drawn({}, 131, coarse)).toMatchObject({ called: { by: "labels" } });
    expect(keyOf(drawn({}, 131, fine))).not.toBe(keyOf(drawn({}, 132, fine)));
  });
});

describe("cutOf", () => {
  it("is nothing without an axis", () => {
    const settings = settingsFor(all, null);
    expect(cutOf(settings)).toBeNull();
    expect(cutOf({ ...settings, cutAxis: 1, cutPosition: 0.25 })).toEqual({ axis: 1, position: 0.25, keepsEnd: true });
  });
});

describe("pictureWords", () => {
  it("names what is seen", () => {
    const settings = settingsFor(all, null);
    expect(pictureWords(all, settings)).toBe("A volume with the image raw at 25 % opacity; of the prediction multiclass: synapses.");
    expect(pictureWords(all, { ...settings, mode: "errors", classId: 1, imageOpacity: 0, cutAxis: 2 })).toBe(
      "A volume with no image; true positives, false positives and false negatives of synapses in the prediction multiclass; cut across x at 50 %.",
    );
  });
});

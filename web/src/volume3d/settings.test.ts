// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ViewInfo, Views } from "../api/types";
import { cutOf, drawnOf, frameOf, keyOf, modesOf, pictureWords, settingsFor } from "./settings";

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
    const old = { ...settingsFor(all, null), mode: "errors" as const, image: 0.9 };
    expect(settingsFor(all, old).mode).toBe("errors");
    const left = settingsFor(views(view("raw", "image"), view("truth", "labels")), old);
    expect(left.mode).toBe("truth");
    expect(left.image).toBe(0.9);
  });
});

describe("frameOf", () => {
  it("is the image, and labels where there is none, which then is not seen", () => {
    expect(frameOf(all)?.name).toBe("raw");
    const dark = views(view("labels", "labels", "multiclass"));
    expect(frameOf(dark)?.name).toBe("labels");
    expect(settingsFor(dark, settingsFor(all, null)).image).toBe(0);
    expect(frameOf(views())).toBeNull();
  });
});

describe("drawnOf", () => {
  it("draws other voxels for another class's errors, and the same ones for other shown classes", () => {
    const settings = settingsFor(all, null);
    const errors = (classId: number) => keyOf(drawnOf(all, { ...settings, mode: "errors", classId }));
    expect(errors(0)).not.toBe(errors(1));
    expect(keyOf(drawnOf(all, { ...settings, shown: new Set([0]) }))).toBe(keyOf(drawnOf(all, settings)));
    expect(drawnOf(all, { ...settings, mode: "none" }).kind).toBe("none");
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
    expect(pictureWords(all, settings)).toBe("A volume with the image at 25 % opacity; of the prediction multiclass: synapses.");
    expect(pictureWords(all, { ...settings, mode: "errors", classId: 1, image: 0, cutAxis: 2 })).toBe(
      "A volume with no image; true positives, false positives and false negatives of synapses in the prediction multiclass; cut across x at 50 %.",
    );
  });
});

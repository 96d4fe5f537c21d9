// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { ViewInfo, Views } from "../api/types";
import { overlaysOf, predictionsOf, settingsFor } from "./settings";

const view = (name: string, kind: ViewInfo["kind"], prediction: string | null = null): ViewInfo => ({
  name, kind, prediction, url: `/${name}`, start: [0, 0, 0], type: "uint8", channels: 1, ready: true,
  levels: [{ path: "s0", shape: [1, 1, 1], voxelSize: [1, 1, 1], chunk: [1, 1, 1] }],
});
const views = (...list: ViewInfo[]): Views => ({
  shape: [1, 1, 1], voxelSize: [1, 1, 1], views: list,
  classes: [{ id: 0, name: "cytosol", colour: "#8d99ae" }, { id: 1, name: "membrane", colour: "#ffd166" }],
});
const kinds = (v: Views, prediction: string) => overlaysOf(v, prediction).map(([kind]) => kind);

describe("overlaysOf", () => {
  it("offers what there is something for", () => {
    expect(kinds(views(view("raw", "image")), "")).toEqual(["none"]);
    expect(kinds(views(view("raw", "image"), view("labels", "labels", "multiclass")), "multiclass")).toEqual(["none", "prediction"]);
    const scored = views(view("raw", "image"), view("truth", "labels"), view("labels", "labels", "m"), view("probabilities", "probabilities", "m"));
    expect(kinds(scored, "m")).toEqual(["none", "truth", "prediction", "outcomes", "greys"]);
  });
});

describe("settingsFor", () => {
  const scored = views(view("raw", "image"), view("truth", "labels"), view("labels", "labels", "multiclass"), view("labels-binary", "labels", "binary"));
  it("begins with the first prediction over the first image", () => {
    expect(predictionsOf(scored)).toEqual(["multiclass", "binary"]);
    expect(settingsFor(scored, null)).toMatchObject({ image: "raw", overlay: "prediction", prediction: "multiclass", classId: 1 });
  });
  it("keeps what was chosen when views come, and only that", () => {
    const chosen = { ...settingsFor(scored, null), prediction: "binary", overlay: "truth" as const, opacity: 0.1 };
    expect(settingsFor(scored, chosen)).toMatchObject({ prediction: "binary", overlay: "truth", opacity: 0.1 });
    expect(settingsFor(views(view("raw", "image")), chosen)).toMatchObject({ prediction: "", overlay: "none" });
  });
});

// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { neuroglancerLink, neuroglancerState, type ShownViews } from "./link";

const views: ShownViews = {
  shape: [64, 500, 600],
  voxelSize: [40, 8, 1.1],
  classes: [
    { id: 0, colour: "#8d99ae" },
    { id: 1, colour: "#ef233c" },
    { id: 12, colour: "#06d6a0" },
  ],
  views: [
    { name: "lr", kind: "image", prediction: null, url: "/api/v1/experiments/3/views/lr" },
    { name: "raw", kind: "image", prediction: null, url: "/api/v1/experiments/3/views/raw" },
    { name: "truth", kind: "labels", prediction: null, url: "/api/v1/experiments/3/views/truth" },
    { name: "labels", kind: "labels", prediction: "multiclass", url: "/api/v1/experiments/3/views/labels" },
    { name: "probabilities", kind: "probabilities", prediction: "multiclass", url: "/api/v1/experiments/3/views/probabilities" },
  ],
};
const origin = "https://silo.example:7300";
const layers = (shown: ShownViews) => neuroglancerState(shown, origin).layers;
const visible = (shown: ShownViews) => layers(shown).filter((layer) => layer.visible).map((layer) => layer.name);

test("neuroglancerLink_WhenDecoded_IsTheState", () => {
  const link = neuroglancerLink(views, origin);
  expect(link).toMatch(/^\/neuroglancer\/#!%7B[\w%.~!*'()-]+$/);
  expect(JSON.parse(decodeURIComponent(link.slice("/neuroglancer/#!".length)))).toEqual(neuroglancerState(views, origin));
});

test("neuroglancerState_WhenVoxelsAreAnisotropic_HasMetresAndTheMiddleInXYZ", () => {
  const state = neuroglancerState(views, origin);
  expect(state.dimensions).toEqual({ x: [1.1e-9, "m"], y: [8e-9, "m"], z: [4e-8, "m"] });
  expect(state.position).toEqual([300, 250, 32]);
  expect(state.crossSectionScale).toBeCloseTo(4000 / 1.1 / 400);
});

test("neuroglancerState_WhenThereAreSeveralViews_GivesEachImageAndLabelsViewALayer", () => {
  expect(layers(views).map((layer) => [layer.type, layer.name, layer.source])).toEqual([
    ["image", "lr", "zarr2://https://silo.example:7300/api/v1/experiments/3/views/lr"],
    ["image", "raw", "zarr2://https://silo.example:7300/api/v1/experiments/3/views/raw"],
    ["segmentation", "truth", "zarr2://https://silo.example:7300/api/v1/experiments/3/views/truth"],
    ["segmentation", "labels", "zarr2://https://silo.example:7300/api/v1/experiments/3/views/labels"],
  ]);
});

test("neuroglancerState_WhenThereIsAPrediction_ShowsItOverRaw", () => {
  expect(visible(views)).toEqual(["raw", "labels"]);
});

test("neuroglancerState_WhenNothingIsPredicted_ShowsTheTruthOverRaw", () => {
  expect(visible({ ...views, views: views.views.filter((view) => !view.prediction) })).toEqual(["raw", "truth"]);
});

test("neuroglancerState_WhenThereAreLabels_ColoursAllClassesAndSelectsAllButTheRest", () => {
  expect(layers(views)[3]).toMatchObject({
    segments: ["1", "12"],
    segmentColors: { "0": "#8d99ae", "1": "#ef233c", "12": "#06d6a0" },
  });
});

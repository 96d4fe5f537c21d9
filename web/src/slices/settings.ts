// SPDX-License-Identifier: Apache-2.0
import type { ViewInfo, Views } from "../api/types";

export type OverlayKind = "none" | "truth" | "prediction" | "outcomes" | "greys";

export interface Settings {
  /** Name of the image view. */
  readonly image: string;
  readonly overlay: OverlayKind;
  readonly prediction: string;
  readonly classId: number;
  /** 0..1. */
  readonly opacity: number;
  /** -100..100. */
  readonly brightness: number;
  readonly contrast: number;
  /** Classes left out of truth and prediction. */
  readonly hidden: ReadonlySet<number>;
}

export function imagesOf(views: Views): readonly ViewInfo[] {
  return views.views.filter((v) => v.kind === "image" && v.levels.length > 0);
}

const imageTexts: Readonly<Record<string, string>> = {
  raw: "original", lowres: "low resolution (lowres)", lr: "enlarged, bicubic (lr)", boosted: "super-resolved (boosted)",
};

/** What an image view is called where one of several is chosen. */
export function imageText(name: string): string {
  return imageTexts[name] ?? name;
}

export function truthOf(views: Views): ViewInfo | null {
  return views.views.find((v) => v.kind === "labels" && v.prediction == null && v.levels.length > 0) ?? null;
}

export function labelsOf(views: Views, prediction: string): ViewInfo | null {
  return views.views.find((v) => v.kind === "labels" && v.prediction === prediction && v.levels.length > 0) ?? null;
}

export function greysOf(views: Views, prediction: string): ViewInfo | null {
  return views.views.find((v) => v.kind === "probabilities" && v.prediction === prediction && v.levels.length > 0) ?? null;
}

/** Names of the predictions that have something to look at, in order. */
export function predictionsOf(views: Views): readonly string[] {
  return [...new Set(views.views.flatMap((v) => (v.prediction == null || v.levels.length === 0 ? [] : [v.prediction])))];
}

/** The overlays there is something for. */
export function overlaysOf(views: Views, prediction: string): readonly (readonly [OverlayKind, string])[] {
  const truth = truthOf(views) !== null;
  const labels = labelsOf(views, prediction) !== null;
  const greys = greysOf(views, prediction) !== null;
  const all: readonly (readonly [OverlayKind, string, boolean])[] = [
    ["none", "None", true],
    ["truth", "Truth", truth],
    ["prediction", "Prediction", labels],
    ["outcomes", "TP, FP, FN", truth && (labels || greys)],
    ["greys", "Grey values", greys],
  ];
  return all.filter(([, , there]) => there).map(([kind, text]) => [kind, text] as const);
}

/** What to begin with, and what becomes of choices that there is nothing for any more. */
export function settingsFor(views: Views, old: Settings | null): Settings {
  const predictions = predictionsOf(views);
  const images = imagesOf(views).map((v) => v.name);
  const prediction = old !== null && predictions.includes(old.prediction) ? old.prediction : (predictions[0] ?? "");
  const overlays = overlaysOf(views, prediction).map(([kind]) => kind);
  const best: OverlayKind = overlays.includes("prediction") ? "prediction" : overlays.includes("truth") ? "truth" : "none";
  return {
    image: old !== null && images.includes(old.image) ? old.image : (images[0] ?? ""),
    overlay: old !== null && overlays.includes(old.overlay) ? old.overlay : best,
    prediction,
    classId: old !== null && views.classes.some((c) => c.id === old.classId) ? old.classId : (views.classes[1] ?? views.classes[0])?.id ?? 0,
    opacity: old?.opacity ?? 0.45,
    brightness: old?.brightness ?? 0,
    contrast: old?.contrast ?? 0,
    // The background covers most of a section: seeing the image under it comes first.
    hidden: old?.hidden ?? new Set([0]),
  };
}

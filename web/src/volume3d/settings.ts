// SPDX-License-Identifier: Apache-2.0
import type { ViewInfo, Views } from "../api/types";
import { greysOf, imagesOf, labelsOf, truthOf } from "../slices/settings";
import type { Axis } from "../zarr/space";
import { sourceFor, type Grid } from "./grid";
import type { Called, Drawn, Thresholded } from "./loading";
import type { Cut } from "./scene";
import { classTones, outcomeTones, type OutcomeOpacities, type Tone } from "./tables";

export type Mode = "none" | "prediction" | "truth" | "errors";

export interface Settings {
  /** Name of the image view. */
  readonly image: string;
  readonly mode: Mode;
  readonly prediction: string;
  /** Classes that are seen. */
  readonly shown: ReadonlySet<number>;
  /** Whose errors are seen. */
  readonly classId: number;
  readonly calledBy: Called["by"];
  /** All of them 0..1. */
  readonly imageOpacity: number;
  readonly classes: number;
  readonly outcomes: OutcomeOpacities;
  readonly cutAxis: Axis | null;
  readonly cutPosition: number;
  readonly keepsEnd: boolean;
  /** Whether the box around the volume is drawn, with its lengths. */
  readonly box: boolean;
}

/** Predictions whose labels can be drawn. */
export function labelledPredictions(views: Views): readonly string[] {
  return [...new Set(views.views.flatMap((v) => (v.prediction != null && labelsOf(views, v.prediction) !== null ? [v.prediction] : [])))];
}

/** The view whose voxels all others are brought to: the image, or labels where the image lies out of the page's reach. */
export function frameOf(views: Views, image: string): ViewInfo | null {
  const images = imagesOf(views);
  return images.find((v) => v.name === image) ?? images[0] ?? truthOf(views) ?? labelsOf(views, labelledPredictions(views)[0] ?? "");
}

/** What there is something for. */
export function modesOf(views: Views): readonly (readonly [Mode, string])[] {
  const prediction = labelledPredictions(views).length > 0;
  const truth = truthOf(views) !== null;
  const all: readonly (readonly [Mode, string, boolean])[] = [
    ["prediction", "Prediction", prediction],
    ["truth", "Truth", truth],
    ["errors", "Errors", prediction && truth],
    ["none", "Off", true],
  ];
  return all.filter(([, , there]) => there).map(([mode, text]) => [mode, text] as const);
}

/** What to begin with, and what becomes of choices that there is nothing for any more. */
export function settingsFor(views: Views, old: Settings | null): Settings {
  const modes = modesOf(views).map(([mode]) => mode);
  const predictions = labelledPredictions(views);
  const ids = views.classes.map((c) => c.id);
  const mode = old !== null && modes.includes(old.mode) ? old.mode : (modes[0] ?? "none");
  const images = imagesOf(views).map((v) => v.name);
  return {
    image: old !== null && images.includes(old.image) ? old.image : (images[0] ?? ""),
    mode,
    prediction: old !== null && predictions.includes(old.prediction) ? old.prediction : (predictions[0] ?? ""),
    // The background would hide all that lies in it.
    shown: old?.shown ?? new Set(ids.filter((id) => id !== 0)),
    classId: old !== null && ids.includes(old.classId) ? old.classId : (ids[1] ?? ids[0] ?? 0),
    // What the table of scores counts comes first.
    calledBy: old?.calledBy ?? "threshold",
    imageOpacity: images.length === 0 ? 0 : (old?.imageOpacity ?? (mode === "none" ? 0.6 : 0.25)),
    classes: old?.classes ?? 1,
    outcomes: old?.outcomes ?? { tp: 0.4, fp: 1, fn: 1 },
    cutAxis: old?.cutAxis ?? null,
    cutPosition: old?.cutPosition ?? 0.5,
    keepsEnd: old?.keepsEnd ?? true,
    box: old?.box ?? true,
  };
}

/**
 * The class's outputs and the threshold that the experiment chose for it; null where there are none, or where the grid is coarser than
 * the outputs: they have no coarser levels, and reading all of them to draw a few would take long.
 */
export function thresholdedOf(views: Views, settings: Settings, threshold: number | null, grid: Grid): Thresholded | null {
  const greys = greysOf(views, settings.prediction);
  if (greys === null || threshold === null || sourceFor(greys, grid).step.some((n) => n > 1)) return null;
  return { by: "threshold", greys, threshold };
}

/** thresholded is null where errors can go by the labels alone. */
export function drawnOf(views: Views, settings: Settings, thresholded: Thresholded | null): Drawn {
  const truth = truthOf(views);
  const labels: ViewInfo | null = labelsOf(views, settings.prediction);
  if (settings.mode === "prediction" && labels !== null) return { kind: "classes", labels };
  if (settings.mode === "truth" && truth !== null) return { kind: "classes", labels: truth };
  if (settings.mode === "errors" && truth !== null && labels !== null) {
    const called = (settings.calledBy === "threshold" ? thresholded : null) ?? { by: "labels", labels };
    return { kind: "outcomes", truth, called, classId: settings.classId };
  }
  return { kind: "none" };
}

/** The same text for what draws the same voxels. */
export function keyOf(drawn: Drawn): string {
  switch (drawn.kind) {
    case "none":
      return "none";
    case "classes":
      return `classes ${drawn.labels.name}`;
    case "outcomes":
      return `outcomes ${drawn.called.by === "labels" ? drawn.called.labels.name : `${drawn.called.greys.name} ${drawn.called.threshold}`} ${drawn.classId}`;
  }
}

export function tonesOf(views: Views, settings: Settings, drawn: Drawn): readonly Tone[] {
  return drawn.kind === "outcomes" ? outcomeTones(settings.outcomes) : classTones(views.classes, settings.shown, settings.classes);
}

export function cutOf(settings: Settings): Cut | null {
  return settings.cutAxis === null ? null : { axis: settings.cutAxis, position: settings.cutPosition, keepsEnd: settings.keepsEnd };
}

/** What the picture shows, for those who do not see it. */
export function pictureWords(views: Views, settings: Settings): string {
  const image = settings.imageOpacity > 0 ? `the image ${settings.image} at ${Math.round(settings.imageOpacity * 100)} % opacity` : "no image";
  const named = (ids: ReadonlySet<number>) => views.classes.filter((c) => ids.has(c.id)).map((c) => c.name);
  let over = "";
  if (settings.mode === "prediction" || settings.mode === "truth") {
    const whose = settings.mode === "truth" ? "the truth" : `the prediction ${settings.prediction}`;
    const names = named(settings.shown);
    over = names.length === 0 ? `; no class of ${whose}` : `; of ${whose}: ${names.join(", ")}`;
  } else if (settings.mode === "errors") {
    over = `; true positives, false positives and false negatives of ${named(new Set([settings.classId]))[0] ?? "a class"} in the prediction ${settings.prediction}`;
  }
  const axis = settings.cutAxis === null ? "" : `; cut across ${"zyx"[settings.cutAxis]} at ${Math.round(settings.cutPosition * 100)} %`;
  return `A volume with ${image}${over}${axis}.`;
}

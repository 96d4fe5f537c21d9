// SPDX-License-Identifier: Apache-2.0
import type { ViewInfo, Views } from "../api/types";
import { imagesOf, labelsOf, truthOf } from "../slices/settings";
import type { Axis } from "../zarr/space";
import type { Drawn } from "./loading";
import type { Cut } from "./scene";
import { classTones, outcomeTones, type OutcomeOpacities, type Tone } from "./tables";

export type Mode = "none" | "prediction" | "truth" | "errors";

export interface Settings {
  readonly mode: Mode;
  readonly prediction: string;
  /** Classes that are seen. */
  readonly shown: ReadonlySet<number>;
  /** Whose errors are seen. */
  readonly classId: number;
  /** All of them 0..1. */
  readonly image: number;
  readonly classes: number;
  readonly outcomes: OutcomeOpacities;
  readonly cutAxis: Axis | null;
  readonly cutPosition: number;
  readonly keepsEnd: boolean;
}

/** Predictions whose labels can be drawn. */
export function labelledPredictions(views: Views): readonly string[] {
  return [...new Set(views.views.flatMap((v) => (v.prediction != null && labelsOf(views, v.prediction) !== null ? [v.prediction] : [])))];
}

/** The view whose voxels all others are brought to: the image, or labels where the image lies out of the page's reach. */
export function frameOf(views: Views): ViewInfo | null {
  return imagesOf(views)[0] ?? truthOf(views) ?? labelsOf(views, labelledPredictions(views)[0] ?? "");
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
  return {
    mode,
    prediction: old !== null && predictions.includes(old.prediction) ? old.prediction : (predictions[0] ?? ""),
    // The background would hide all that lies in it.
    shown: old?.shown ?? new Set(ids.filter((id) => id !== 0)),
    classId: old !== null && ids.includes(old.classId) ? old.classId : (ids[1] ?? ids[0] ?? 0),
    image: imagesOf(views).length === 0 ? 0 : (old?.image ?? (mode === "none" ? 0.6 : 0.25)),
    classes: old?.classes ?? 1,
    outcomes: old?.outcomes ?? { tp: 0.4, fp: 1, fn: 1 },
    cutAxis: old?.cutAxis ?? null,
    cutPosition: old?.cutPosition ?? 0.5,
    keepsEnd: old?.keepsEnd ?? true,
  };
}

export function drawnOf(views: Views, settings: Settings): Drawn {
  const truth = truthOf(views);
  const labels: ViewInfo | null = labelsOf(views, settings.prediction);
  if (settings.mode === "prediction" && labels !== null) return { kind: "classes", labels };
  if (settings.mode === "truth" && truth !== null) return { kind: "classes", labels: truth };
  if (settings.mode === "errors" && truth !== null && labels !== null) return { kind: "outcomes", truth, labels, classId: settings.classId };
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
      return `outcomes ${drawn.labels.name} ${drawn.classId}`;
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
  const image = settings.image > 0 ? `the image at ${Math.round(settings.image * 100)} % opacity` : "no image";
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

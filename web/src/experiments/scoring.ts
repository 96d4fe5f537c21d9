// SPDX-License-Identifier: Apache-2.0
import type { PredictionScore, ScoreReport } from "../api/types";

/** F1 of a class from counts: 2 TP / (2 TP + FP + FN); null where no voxel is of the class or called it. */
export function f1(truePositives: number, falsePositives: number, falseNegatives: number): number | null {
  const all = 2 * truePositives + falsePositives + falseNegatives;
  return all === 0 ? null : (2 * truePositives) / all;
}

/** Each row over its sum: of the voxels of a class, the share that was called each class. A row without voxels has nulls. */
export function rowShares(counts: readonly (readonly number[])[]): readonly (readonly (number | null)[])[] {
  return counts.map((row) => {
    const sum = row.reduce((a, b) => a + b, 0);
    return row.map((n) => (sum === 0 ? null : n / sum));
  });
}

/** F1 of each class where a voxel is called the class of the largest output: from the confusion matrix alone. */
export function f1OfConfusion(counts: readonly (readonly number[])[]): readonly (number | null)[] {
  return counts.map((row, c) => {
    const tp = row[c] ?? 0;
    const fn = row.reduce((a, b) => a + b, 0) - tp;
    const fp = counts.reduce((a, r) => a + (r[c] ?? 0), 0) - tp;
    return f1(tp, fp, fn);
  });
}

/** b - a; null where one is missing. */
export function minus(b: number | null | undefined, a: number | null | undefined): number | null {
  return b == null || a == null ? null : b - a;
}

/** Mean over the values there are; null when there are none. */
export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  const present = values.filter((v): v is number => v != null);
  return present.length === 0 ? null : present.reduce((a, b) => a + b, 0) / present.length;
}

/** What stands beside a prediction's F1, by class name. */
export interface Beside {
  readonly title: string;
  /** The same in a word, for the head of a column. */
  readonly head: string;
  readonly f1: (prediction: string, className: string) => number | null;
  readonly mean: (prediction: string) => number | null;
}

/** The published values of a report; null where it has none. */
export function publishedBeside(report: ScoreReport): Beside | null {
  const columns = report.published ?? [];
  if (columns.length === 0) return null;
  const of = (prediction: string) => columns.find((c) => c.prediction === prediction);
  return {
    title: [...new Set(columns.map((c) => c.source))].join(", "),
    head: "published",
    f1: (prediction, name) => of(prediction)?.f1[report.classes.findIndex((c) => c.name === name)] ?? null,
    mean: (prediction) => meanOf(of(prediction)?.f1 ?? []),
  };
}

/** Another experiment's values. Classes meet by name; where it has one prediction only, that stands beside each. */
export function reportBeside(report: ScoreReport, title: string, head: string): Beside {
  const of = (prediction: string): PredictionScore | undefined =>
    report.predictions.find((p) => p.name === prediction) ?? (report.predictions.length === 1 ? report.predictions[0] : undefined);
  return {
    title,
    head,
    f1: (prediction, name) => of(prediction)?.classes.find((c) => c.name === name)?.f1 ?? null,
    mean: (prediction) => of(prediction)?.meanF1 ?? null,
  };
}

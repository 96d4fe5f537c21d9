// SPDX-License-Identifier: Apache-2.0
import type { LevelCounts } from "../api/types";

/** Scores of calling every voxel whose output is at or above a threshold; null where the denominator is 0. */
export interface Score {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
}

/** From the voxels at each grey level: exact, the same sums as the experiment's own scores. */
export function scoreAt(counts: LevelCounts, threshold: number): Score {
  let [tp, fp, fn] = [0, 0, 0];
  for (let grey = 0; grey < 256; grey++) {
    const yes = counts.yes[grey] ?? 0;
    if (grey >= threshold) {
      tp += yes;
      fp += counts.no[grey] ?? 0;
    } else {
      fn += yes;
    }
  }
  const ratio = (above: number, below: number) => (below === 0 ? null : above / below);
  return { tp, fp, fn, precision: ratio(tp, tp + fp), recall: ratio(tp, tp + fn), f1: ratio(2 * tp, 2 * tp + fp + fn) };
}

/** What a voxel is when class "it" is called. */
export const outcome = { none: 0, truePositive: 1, falsePositive: 2, falseNegative: 3 } as const;

/** 255 is what nobody labelled: neither right nor wrong. */
export const unlabelled = 255;

export function outcomeOf(called: boolean, truth: number, classId: number): number {
  if (truth === unlabelled) return outcome.none;
  if (truth === classId) return called ? outcome.truePositive : outcome.falseNegative;
  return called ? outcome.falsePositive : outcome.none;
}

/** Told apart by people with any kind of colour vision, on grey; the legend names them too. */
export const outcomeColours = ["#000000", "#1fb57a", "#ff9f1c", "#e0409a"] as const;
export const outcomeNames = ["", "True positive", "False positive", "False negative"] as const;

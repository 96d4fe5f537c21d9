// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { outcome, outcomeOf, scoreAt, unlabelled } from "./scoring";

const at = (levels: Record<number, number>) => Array.from({ length: 256 }, (_, i) => levels[i] ?? 0);

describe("scoreAt", () => {
  const counts = { yes: at({ 10: 3, 128: 5, 255: 2 }), no: at({ 0: 90, 127: 4, 128: 1 }) };
  it("calls voxels at the threshold and above", () => {
    expect(scoreAt(counts, 128)).toEqual({ tp: 7, fp: 1, fn: 3, precision: 7 / 8, recall: 7 / 10, f1: 14 / 18 });
  });
  it("calls everything at 0", () => {
    expect(scoreAt(counts, 0)).toMatchObject({ tp: 10, fp: 95, fn: 0, recall: 1 });
  });
  it("has no value where nothing can be said", () => {
    expect(scoreAt({ yes: at({}), no: at({ 5: 1 }) }, 200)).toEqual({ tp: 0, fp: 0, fn: 0, precision: null, recall: null, f1: null });
  });
});

describe("outcomeOf", () => {
  it("tells right from wrong for one class", () => {
    expect([outcomeOf(true, 2, 2), outcomeOf(true, 1, 2), outcomeOf(false, 2, 2), outcomeOf(false, 1, 2)]).toEqual([
      outcome.truePositive, outcome.falsePositive, outcome.falseNegative, outcome.none,
    ]);
  });
  it("leaves out what nobody labelled", () => {
    expect(outcomeOf(true, unlabelled, 2)).toBe(outcome.none);
  });
});

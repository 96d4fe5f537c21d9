// SPDX-License-Identifier: Apache-2.0
import type { RunningInfo, StageProgress } from "../api/types";

/** How much of an experiment is done, 0..1: the mean of its stages, as their lengths are not known before they have run. */
export function overallFraction(stages: readonly StageProgress[]): number {
  return stages.length === 0 ? 0 : stages.reduce((sum, s) => sum + s.fraction, 0) / stages.length;
}

/**
 * Seconds until the stages that run now are done: the longest, as they run side by side. What comes after them cannot be said
 * before it has started; null when no stage runs or none can be told.
 */
export function secondsLeftOfRunning(stages: readonly StageProgress[]): number | null {
  const left = stages.filter((s) => s.state === "running").map((s) => s.secondsLeft).filter((s): s is number => s != null);
  return left.length === 0 ? null : Math.max(...left);
}

/** A stage's state; "queued" where it may be worked on and nobody does, as while other stages have all the slots. */
export function shownState(stage: Pick<StageProgress, "name" | "state" | "done">, running: readonly Pick<RunningInfo, "stage">[]): string {
  return stage.state === "running" && stage.done === 0 && !running.some((r) => r.stage === stage.name) ? "queued" : stage.state;
}

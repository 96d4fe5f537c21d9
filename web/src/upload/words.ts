// SPDX-License-Identifier: Apache-2.0
import type { Run } from "./state";

const tenths = (fraction: number) => Math.floor(Math.min(1, fraction) * 10 + 1e-9) * 10;

/** What screen readers are told of an upload. It changes every ten per cent, so that it can be heard to its end. */
export function saidOf(run: Extract<Run, { kind: "sending" }>): string {
  switch (run.step?.step) {
    case "sending": return `${tenths(run.step.sent / run.step.all)} per cent uploaded.`;
    case "checking": return "All has arrived and is being checked.";
    case "submitting": return "The segmentation is being submitted.";
    case "broken": return "The connection is broken. The upload goes on by itself.";
    default: return "The upload begins.";
  }
}

/** The same of a segmentation. */
export function saidOfSegmenting(state: string, fraction: number): string {
  return state === "running" ? `${tenths(fraction)} per cent segmented.` : `The segmentation has ${state === "succeeded" ? "finished" : `stopped: ${state}`}.`;
}

// SPDX-License-Identifier: Apache-2.0
import type { ViewClass } from "../api/types";
import { rgbOf, type Rgb } from "../slices/compose";
import { outcome, outcomeColours } from "../slices/scoring";

/** Colour and opacity of a drawn value. */
export interface Tone {
  readonly colour: Rgb;
  /** 0..1, of a voxel's thickness. */
  readonly opacity: number;
}

const clear: Tone = { colour: [0, 0, 0], opacity: 0 };

/** By what drawnClasses gives: nothing first, then every class by its id. */
export function classTones(classes: readonly ViewClass[], shown: ReadonlySet<number>, opacity: number): readonly Tone[] {
  const most = Math.max(-1, ...classes.map((c) => c.id));
  return Array.from({ length: most + 2 }, (_, value) => {
    const found = classes.find((c) => c.id === value - 1);
    return found === undefined ? clear : { colour: rgbOf(found.colour), opacity: shown.has(found.id) ? surface(opacity) : 0 };
  });
}

export interface OutcomeOpacities {
  readonly tp: number;
  readonly fp: number;
  readonly fn: number;
}

/** By what drawnOutcomes gives. */
export function outcomeTones({ tp, fp, fn }: OutcomeOpacities): readonly Tone[] {
  const tones: Tone[] = [clear, clear, clear, clear];
  for (const [value, opacity] of [[outcome.truePositive, tp], [outcome.falsePositive, fp], [outcome.falseNegative, fn]] as const) {
    tones[value] = { colour: rgbOf(outcomeColours[value]), opacity: surface(opacity) };
  }
  return tones;
}

/** A ray goes through many voxels of a thing, so that half the slider would still hide all behind it without this. */
function surface(opacity: number): number {
  return opacity ** 2.5;
}

/**
 * Opacity of the image by its grey level: structures are dark in electron micrographs, so at little opacity only these are seen, and
 * the more of it the more of a block whose cut shows the section.
 */
export function imageOpacity(opacity: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, grey) => {
    const dark = (1 - grey / 255) ** 3;
    return opacity <= 0 ? 0 : Math.min(1, opacity ** 2 * ((1 - opacity) * dark + opacity));
  });
}

/** Nodes of a function that is as good as constant around each value; a plain line between values would blend classes that are not beside each other. */
export function steps(values: ArrayLike<number>): readonly (readonly [at: number, value: number])[] {
  const nodes: (readonly [number, number])[] = [];
  for (let i = 0; i < values.length; i++) nodes.push([i - 0.4, values[i] as number], [i + 0.4, values[i] as number]);
  return nodes;
}

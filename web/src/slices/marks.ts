// SPDX-License-Identifier: Apache-2.0
import type { Box, Views } from "../api/types";
import { lengthWords, pixelOf, roundLength, type Look, type Plane, type Space } from "./geometry";
import type { PaneSize } from "./layers";

export interface Region {
  readonly name: string;
  readonly box: Box;
  readonly colour: string;
}

/** What was learnt from, and what was kept for scoring. */
export function regionsOf({ train, test }: Pick<Views, "train" | "test">): readonly Region[] {
  const regions: readonly (readonly [string, Box | null | undefined, string])[] = [["training", train, "#6fb3ff"], ["test", test, "#ffd166"]];
  return regions.flatMap(([name, box, colour]) => (box == null ? [] : [{ name, box, colour }]));
}

/** Crosshair, borders of the regions that the section goes through, and a scale bar, over the voxels of a pane. */
export function drawMarks(
  context: CanvasRenderingContext2D, look: Look, plane: Plane, size: PaneSize, space: Space, regions: readonly Region[],
): void {
  context.save();
  context.scale(size.density, size.density);
  for (const { box, colour } of regions) {
    const at = look.at[plane.through];
    if (at < box.start[plane.through] || at >= box.start[plane.through] + box.shape[plane.through]) continue;
    const left = pixelOf(look, plane.right, size.width, box.start[plane.right], space);
    const top = pixelOf(look, plane.down, size.height, box.start[plane.down], space);
    const right = pixelOf(look, plane.right, size.width, box.start[plane.right] + box.shape[plane.right], space);
    const bottom = pixelOf(look, plane.down, size.height, box.start[plane.down] + box.shape[plane.down], space);
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.setLineDash([6, 4]);
    context.strokeRect(left, top, right - left, bottom - top);
  }
  context.setLineDash([]);
  crosshair(context, look, plane, size, space);
  if (plane.name === "xy") scaleBar(context, look, size, space);
  context.restore();
}

function crosshair(context: CanvasRenderingContext2D, look: Look, plane: Plane, size: PaneSize, space: Space): void {
  const x = pixelOf(look, plane.right, size.width, look.at[plane.right] + 0.5, space);
  const y = pixelOf(look, plane.down, size.height, look.at[plane.down] + 0.5, space);
  // Open in the middle, so that the voxel itself can be seen.
  const gap = 9;
  for (const [colour, width] of [["rgb(0 0 0 / 55%)", 3], ["#7fe3e5", 1]] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const [fromX, fromY, toX, toY] of [[0, y, x - gap, y], [x + gap, y, size.width, y], [x, 0, x, y - gap], [x, y + gap, x, size.height]] as const) {
      context.moveTo(fromX, fromY);
      context.lineTo(toX, toY);
    }
    context.stroke();
  }
}

function scaleBar(context: CanvasRenderingContext2D, look: Look, size: PaneSize, space: Space): void {
  const nm = roundLength(look.nmPerPixel * Math.min(160, size.width / 3));
  const length = nm / look.nmPerPixel;
  const [left, bottom] = [12, size.height - 14];
  const words = lengthWords(nm, space);
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = "rgb(0 0 0 / 60%)";
  context.fillRect(left - 6, bottom - 20, Math.max(length, context.measureText(words).width) + 12, 28);
  context.fillStyle = "#ffffff";
  context.fillRect(left, bottom, length, 3);
  context.fillText(words, left, bottom - 6);
}

// SPDX-License-Identifier: Apache-2.0
import type { Triple } from "../api/types";
import { lengthWords, type Space } from "../slices/geometry";
import { axisNames, clamp } from "../zarr/space";
import type { BoxEdge, Point } from "./box";

const strength = { front: 0.28, outline: 0.7, back: 0.16 } as const;
/** Shorter edges, css pixels, are looked along, and a name would stand on another's. */
const shortest = 12;

/** Draws the box around the volume, with the name, direction and length of each axis. Lies over the volume, so what is behind it is faint. */
export function drawBox(context: CanvasRenderingContext2D, density: number, edges: readonly BoxEdge[], lengths: Triple, space: Pick<Space, "voxelSize">): void {
  const middle = middleOf(edges.flatMap((e) => [e.from, e.to]));
  context.save();
  context.scale(density, density);
  context.lineCap = "round";
  for (const { from, to, side } of edges) {
    context.strokeStyle = `rgb(226 232 240 / ${strength[side]})`;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
  }
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  for (const edge of edges) {
    if (edge.named && Math.hypot(edge.to.x - edge.from.x, edge.to.y - edge.from.y) >= shortest) {
      arrow(context, edge);
      name(context, density, `${axisNames[edge.axis]}  ${lengthWords(lengths[edge.axis], space)}`, edge, middle);
    }
  }
  context.restore();
}

function middleOf(points: readonly Point[]): Point {
  const mean = (of: (p: Point) => number) => points.reduce((sum, p) => sum + of(p), 0) / points.length;
  return { x: mean((p) => p.x), y: mean((p) => p.y) };
}

/** At the end that the axis counts to. */
function arrow(context: CanvasRenderingContext2D, { from, to }: BoxEdge): void {
  const angle = Math.atan2(to.y - from.y, to.x - from.x);
  context.save();
  context.translate(to.x, to.y);
  context.rotate(angle);
  context.fillStyle = "#e2e8f0";
  context.beginPath();
  context.moveTo(4, 0);
  context.lineTo(-6, -4);
  context.lineTo(-6, 4);
  context.fill();
  context.restore();
}

/** Beside the middle of the edge, away from the volume and not beyond the canvas. */
function name(context: CanvasRenderingContext2D, density: number, text: string, { from, to }: BoxEdge, middle: Point): void {
  const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  let [right, down] = [to.y - from.y, from.x - to.x];
  const length = Math.hypot(right, down);
  const outwards = right * (x - middle.x) + down * (y - middle.y) < 0 ? -1 : 1;
  [right, down] = [(right / length) * outwards, (down / length) * outwards];
  const half = context.measureText(text).width / 2;
  // So far that the text's box, and not its middle, clears the edge.
  const away = 8 + Math.abs(right) * half + Math.abs(down) * 7;
  const { width, height } = context.canvas;
  const place = { x: clamp(x + right * away, half + 6, width / density - half - 6), y: clamp(y + down * away, 12, height / density - 12) };
  context.textAlign = "center";
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = "rgb(7 9 12 / 85%)";
  context.fillStyle = "#f2f5f8";
  context.strokeText(text, place.x, place.y);
  context.fillText(text, place.x, place.y);
}

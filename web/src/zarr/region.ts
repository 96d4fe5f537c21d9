// SPDX-License-Identifier: Apache-2.0
import type { Box, Triple, ViewLevel } from "../api/types";
import { chunksOf, copyChunk } from "./chunks";
import { map3, voxels } from "./space";
import type { ViewReader } from "./store";

/** Reads a whole box of a level, chunk by chunk straight into one array, so that no chunk is held longer than it is copied. */
export async function readRegion(
  reader: Pick<ViewReader, "view" | "chunk">, level: ViewLevel, channel: number, box: Box, step: Triple, signal: AbortSignal,
  onChunk: (done: number, all: number) => void = () => undefined,
): Promise<Uint8Array | Uint16Array> {
  const shape = map3((i) => Math.ceil(box.shape[i] / step[i]));
  const target = reader.view.type.toLowerCase() === "uint16" ? new Uint16Array(voxels(shape)) : new Uint8Array(voxels(shape));
  // A thinned-out read steps over whole chunks where a chunk is thinner than the step.
  const places = chunksOf(box, level.shape, level.chunk).filter((at) => [0, 1, 2].every((i) => holdsStep(at, level.chunk, box, step, i)));
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < places.length) {
      const at = places[next++] as Triple;
      copyChunk(await reader.chunk(level, at, channel, signal), at, level.chunk, box, target, step);
      onChunk(++done, places.length);
    }
  };
  await Promise.all(Array.from({ length: Math.min(8, places.length) }, work));
  return target;
}

function holdsStep(at: Triple, chunk: Triple, box: Box, step: Triple, axis: number): boolean {
  const [place, length, start, by] = [at[axis], chunk[axis], box.start[axis], step[axis]] as [number, number, number, number];
  const begin = Math.max(place * length, start);
  const first = start + Math.ceil((begin - start) / by) * by;
  return first < (place + 1) * length;
}

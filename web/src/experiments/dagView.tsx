// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";
import type { RunningInfo, StageProgress } from "../api/types";
import { progressPercent } from "../app/format";
import { layDag, type DagNode } from "./dag";
import { shownState } from "./timing";

const letter = 6.4;
/** Letters that a node's line has room for, at most. */
const room = 40;
const nodeWidth = ({ name }: Pick<StageProgress, "name">) => Math.max(112, Math.min(room, name.length) * letter + 18);
const size = { nodeWidth, nodeHeight: 34, gapX: 32, gapY: 8 };
const margin = 2;

/** Text that is too long for its place, cut; the whole stands in the node's title. */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** The graph of the stages as a picture. What it says stands in the list below it too, which screen readers read instead. */
export function DagView({ stages, running }: { stages: readonly StageProgress[]; running: readonly RunningInfo[] }) {
  const shape = JSON.stringify(stages.map((s) => [s.name, s.after]));
  // Where things lie hangs on the names only; states change every few seconds.
  const dag = useMemo(() => layDag(stages, size), [shape]);
  const newest = new Map(stages.map((s) => [s.name, s]));
  const width = dag.width + 2 * margin;
  const height = dag.height + 2 * margin;
  return (
    <div class="scroll dag-holder">
      <svg class="dag" width={width} height={height} viewBox={`${-margin} ${-margin} ${width} ${height}`} aria-hidden="true">
        {dag.edges.map(({ from, to }) => <path key={`${from.stage.name}>${to.stage.name}`} class="edge" d={edgePath(from, to)} />)}
        {dag.nodes.map((node) => <Node key={node.stage.name} node={node} stage={newest.get(node.stage.name) ?? node.stage} running={running} />)}
      </svg>
    </div>
  );
}

function Node({ node, stage, running }: { node: DagNode<StageProgress>; stage: StageProgress; running: readonly RunningInfo[] }) {
  const { nodeHeight } = size;
  const inner = node.width - 16;
  const state = shownState(stage, running);
  return (
    <g class={`node ${state}${stage.blocked ? " is-blocked" : ""}`} transform={`translate(${node.x} ${node.y})`}>
      <title>{`${stage.name}: ${state}${stage.items > 0 ? `, ${stage.done} of ${stage.items} items` : ""}${stage.blocked ? `; ${stage.blocked}` : ""}`}</title>
      <rect class="box" width={node.width} height={nodeHeight} rx={5} />
      <text x={8} y={15}>{shorten(stage.name, room)}</text>
      {state === "waiting" || state === "ready" || state === "queued"
        ? <text class="state" x={8} y={27}>{stage.blocked ? "blocked" : state}</text>
        : (
          <>
            <rect class="track" x={8} y={22} width={inner - 40} height={4} rx={2} />
            <rect class="done" x={8} y={22} width={Math.max(0, Math.min(1, stage.fraction)) * (inner - 40)} height={4} rx={2} />
            <text class="state" x={node.width - 8} y={27} text-anchor="end">{state === "failed" ? "failed" : progressPercent(stage.fraction)}</text>
          </>
        )}
    </g>
  );
}

function edgePath(from: DagNode<StageProgress>, to: DagNode<StageProgress>): string {
  const x1 = from.x + from.width;
  const y1 = from.y + size.nodeHeight / 2;
  const x2 = to.x;
  const y2 = to.y + size.nodeHeight / 2;
  const bend = size.gapX / 2;
  // Over several layers the line runs level from the layer before its end, so that it does not cut slantwise through nodes.
  const turn = x2 - size.gapX;
  return turn > x1 + 1
    ? `M${x1} ${y1}C${x1 + bend} ${y1} ${x1 + bend} ${y1} ${x1 + bend} ${y1}L${turn} ${y1}C${turn + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
    : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

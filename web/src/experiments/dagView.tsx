// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "preact/hooks";
import type { StageProgress } from "../api/types";
import { progressPercent } from "../app/format";
import { layDag, type DagNode } from "./dag";

const size = { nodeWidth: 158, nodeHeight: 34, gapX: 34, gapY: 8 };
const margin = 2;
/** Letters that a node's line has room for. */
const room = 24;

/** Text that is too long for its place, cut; the whole stands in the node's title. */
export function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/** The graph of the stages as a picture. What it says stands in the list below it too, which screen readers read instead. */
export function DagView({ stages }: { stages: readonly StageProgress[] }) {
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
        {dag.nodes.map((node) => <Node key={node.stage.name} node={node} stage={newest.get(node.stage.name) ?? node.stage} />)}
      </svg>
    </div>
  );
}

function Node({ node, stage }: { node: DagNode<StageProgress>; stage: StageProgress }) {
  const { nodeWidth, nodeHeight } = size;
  const inner = nodeWidth - 16;
  return (
    <g class={`node ${stage.state}${stage.blocked ? " is-blocked" : ""}`} transform={`translate(${node.x} ${node.y})`}>
      <title>{`${stage.name}: ${stage.state}${stage.items > 0 ? `, ${stage.done} of ${stage.items} items` : ""}${stage.blocked ? `; ${stage.blocked}` : ""}`}</title>
      <rect class="box" width={nodeWidth} height={nodeHeight} rx={5} />
      <text x={8} y={15}>{shorten(stage.name, room)}</text>
      {stage.state === "waiting" || stage.state === "ready"
        ? <text class="state" x={8} y={27}>{stage.blocked ? "blocked" : stage.state}</text>
        : (
          <>
            <rect class="track" x={8} y={22} width={inner - 40} height={4} rx={2} />
            <rect class="done" x={8} y={22} width={Math.max(0, Math.min(1, stage.fraction)) * (inner - 40)} height={4} rx={2} />
            <text class="state" x={nodeWidth - 8} y={27} text-anchor="end">{stage.state === "failed" ? "failed" : progressPercent(stage.fraction)}</text>
          </>
        )}
    </g>
  );
}

function edgePath(from: DagNode<StageProgress>, to: DagNode<StageProgress>): string {
  const x1 = from.x + size.nodeWidth;
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

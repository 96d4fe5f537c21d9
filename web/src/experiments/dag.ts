// SPDX-License-Identifier: Apache-2.0

export interface DagStage {
  readonly name: string;
  readonly after?: readonly string[];
}

export interface DagNode<T> {
  readonly stage: T;
  /** 0 for stages that wait for nothing, else one more than the largest of those it waits for. */
  readonly layer: number;
  /** Place in its layer, from 0. */
  readonly row: number;
  readonly x: number;
  readonly y: number;
  /** The same for all nodes of a layer. */
  readonly width: number;
}

export interface Dag<T> {
  readonly nodes: readonly DagNode<T>[];
  readonly edges: readonly { readonly from: DagNode<T>; readonly to: DagNode<T> }[];
  readonly width: number;
  readonly height: number;
}

export interface DagSize<T> {
  /** What a stage needs; a layer is as wide as its widest. */
  readonly nodeWidth: (stage: T) => number;
  readonly nodeHeight: number;
  readonly gapX: number;
  readonly gapY: number;
}

/**
 * Lays a graph out in layers from left to right (Sugiyama's way: longest path, then each layer in the order of the mean row of
 * what its stages wait for). An edge that an indirect way implies too is left out: it says nothing and crosses much.
 */
export function layDag<T extends DagStage>(stages: readonly T[], size: DagSize<T>): Dag<T> {
  const byName = new Map(stages.map((s) => [s.name, s]));
  const before = new Map(stages.map((s) => [s.name, (s.after ?? []).filter((n) => n !== s.name && byName.has(n))]));
  const layers = findLayers(stages, before);

  const columns: T[][] = [];
  for (const stage of stages) (columns[layers.get(stage.name) ?? 0] ??= []).push(stage);
  const rows = new Map<string, number>();
  for (const column of columns) {
    const mean = (stage: T) => {
      const places = (before.get(stage.name) ?? []).map((n) => rows.get(n) ?? 0);
      return places.length === 0 ? 0 : places.reduce((a, b) => a + b, 0) / places.length;
    };
    // sort is stable: stages that wait for the same keep the experiment's order.
    column.sort((a, b) => mean(a) - mean(b));
    column.forEach((stage, row) => rows.set(stage.name, row));
  }

  const tallest = Math.max(0, ...columns.map((c) => c.length));
  const widths = columns.map((c) => Math.max(...c.map(size.nodeWidth)));
  const lefts = widths.map((_, i) => widths.slice(0, i).reduce((sum, w) => sum + w + size.gapX, 0));
  const stepY = size.nodeHeight + size.gapY;
  const nodes = new Map<string, DagNode<T>>();
  for (const stage of stages) {
    const layer = layers.get(stage.name) ?? 0;
    const row = rows.get(stage.name) ?? 0;
    const top = ((tallest - (columns[layer]?.length ?? 0)) * stepY) / 2;
    nodes.set(stage.name, { stage, layer, row, x: lefts[layer] ?? 0, y: top + row * stepY, width: widths[layer] ?? 0 });
  }

  const edges: { from: DagNode<T>; to: DagNode<T> }[] = [];
  const ancestors = findAncestors(before);
  for (const to of nodes.values()) {
    const direct = before.get(to.stage.name) ?? [];
    for (const name of new Set(direct)) {
      const from = nodes.get(name);
      const implied = direct.some((other) => other !== name && ancestors(other).has(name));
      if (from !== undefined && !implied) edges.push({ from, to });
    }
  }
  return {
    nodes: [...nodes.values()],
    edges,
    width: (lefts.at(-1) ?? 0) + (widths.at(-1) ?? 0),
    height: Math.max(0, tallest * stepY - size.gapY),
  };
}

function findLayers(stages: readonly DagStage[], before: ReadonlyMap<string, readonly string[]>): Map<string, number> {
  const layers = new Map<string, number>();
  const open = new Set<string>();
  const visit = (name: string): number => {
    const known = layers.get(name);
    if (known !== undefined) return known;
    // A circle cannot come from a silo; if one did, drawing it wrongly is better than never ending.
    if (open.has(name)) return 0;
    open.add(name);
    const layer = Math.max(-1, ...(before.get(name) ?? []).map(visit)) + 1;
    open.delete(name);
    layers.set(name, layer);
    return layer;
  };
  for (const stage of stages) visit(stage.name);
  return layers;
}

function findAncestors(before: ReadonlyMap<string, readonly string[]>): (name: string) => ReadonlySet<string> {
  const known = new Map<string, Set<string>>();
  const visit = (name: string): Set<string> => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const all = new Set<string>();
    known.set(name, all);
    for (const one of before.get(name) ?? []) {
      all.add(one);
      for (const further of visit(one)) all.add(further);
    }
    return all;
  };
  return visit;
}

// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { layDag } from "./dag";

const size = { nodeWidth: ({ name }: { name: string }) => name.length * 10, nodeHeight: 30, gapX: 20, gapY: 10 };

describe("layDag", () => {
  it("makes each layer as wide as its widest stage and puts the next beside it", () => {
    const dag = layDag([{ name: "in" }, { name: "a", after: ["in"] }, { name: "longer", after: ["in"] }, { name: "out", after: ["a", "longer"] }], size);
    expect(dag.nodes.map((n) => [n.stage.name, n.layer, n.x, n.width])).toEqual([["in", 0, 0, 20], ["a", 1, 40, 60], ["longer", 1, 40, 60], ["out", 2, 120, 30]]);
    expect([dag.width, dag.height]).toEqual([150, 70]);
  });

  it("leaves out an edge that an indirect way implies", () => {
    const dag = layDag([{ name: "a" }, { name: "b", after: ["a"] }, { name: "c", after: ["a", "b"] }], size);
    expect(dag.edges.map((e) => `${e.from.stage.name}>${e.to.stage.name}`)).toEqual(["a>b", "b>c"]);
  });
});

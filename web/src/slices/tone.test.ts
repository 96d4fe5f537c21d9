// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { adjust, toneTable, windowOf } from "./tone";

describe("toneTable", () => {
  it("runs from black to white over the window", () => {
    const table = toneTable({ black: 100, white: 200 }, 256);
    expect([table[0], table[100], table[150], table[200], table[255]]).toEqual([0, 0, 127, 255, 255]);
  });
});

describe("adjust", () => {
  const window = { black: 50, white: 150 };
  it("changes nothing at 0", () => expect(adjust(window, 0, 0)).toEqual(window));
  it("makes all voxels lighter with more brightness", () => {
    expect(toneTable(adjust(window, 30, 0), 256)[100]).toBeGreaterThan(toneTable(window, 256)[100] as number);
  });
  it("narrows the window about its middle with more contrast", () => {
    const { black, white } = adjust(window, 0, 50);
    expect(white - black).toBeLessThan(100);
    expect((black + white) / 2).toBeCloseTo(100);
  });
});

describe("windowOf", () => {
  it("leaves out stray voxels and what has not come", () => {
    const values = new Int32Array(1002).map((_, i) => (i === 0 ? 0 : i === 1 ? 65535 : 1000 + (i % 500)));
    values[2] = -1;
    const window = windowOf(values, 65536);
    expect(window?.black).toBeGreaterThanOrEqual(1000);
    expect(window?.white).toBeLessThanOrEqual(1499);
  });
  it("is null when nothing has come", () => expect(windowOf(new Int32Array(9).fill(-1), 256)).toBeNull());
  it("keeps black below white for a uniform section", () => expect(windowOf(new Int32Array(9).fill(7), 256)).toEqual({ black: 7, white: 8 }));
});

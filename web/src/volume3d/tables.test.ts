// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { outcomeColours } from "../slices/scoring";
import { rgbOf } from "../slices/compose";
import { classTones, imageOpacity, outcomeTones, steps } from "./tables";

const classes = [{ id: 0, name: "cytosol", colour: "#000000" }, { id: 2, name: "membrane", colour: "#118ab2" }];

describe("classTones", () => {
  it("has each class at its id + 1 and only the shown ones opaque", () => {
    const tones = classTones(classes, new Set([2]), 1);
    expect(tones.map((t) => t.opacity)).toEqual([0, 0, 0, 1]);
    expect(tones[3]?.colour).toEqual([0x11, 0x8a, 0xb2]);
  });
  it("has nothing but nothing without classes", () => {
    expect(classTones([], new Set(), 1)).toHaveLength(1);
  });
});

describe("outcomeTones", () => {
  it("has the colours of the sections and an opacity for each", () => {
    const tones = outcomeTones({ tp: 0, fp: 1, fn: 0.5 });
    expect(tones.map((t) => t.colour)).toEqual(outcomeColours.map(rgbOf));
    expect(tones[1]?.opacity).toBe(0);
    expect(tones[2]?.opacity).toBe(1);
    expect(tones[3]?.opacity).toBeGreaterThan(0);
    expect(tones[3]?.opacity).toBeLessThan(0.5);
  });
});

describe("imageOpacity", () => {
  it("is clear at 0 and solid at 1", () => {
    expect(imageOpacity(0).every((a) => a === 0)).toBe(true);
    expect(imageOpacity(1).every((a) => a === 1)).toBe(true);
  });
  it("shows dark structures first", () => {
    const table = imageOpacity(0.3);
    expect(table[0]).toBeGreaterThan((table[255] as number) * 2);
    for (let grey = 1; grey < 256; grey++) expect(table[grey]).toBeLessThanOrEqual(table[grey - 1] as number);
  });
});

describe("steps", () => {
  it("holds each value around its place", () => {
    expect(steps([0, 1])).toEqual([[-0.4, 0], [0.4, 0], [0.6, 1], [1.4, 1]]);
  });
});

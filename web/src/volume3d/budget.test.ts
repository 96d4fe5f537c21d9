// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { budgetFor, isSoftware } from "./budget";

describe("isSoftware", () => {
  it("knows the processors that draw", () => {
    expect(isSoftware("ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)")).toBe(true);
    expect(isSoftware("llvmpipe (LLVM 15.0.7, 256 bits)")).toBe(true);
  });
  it("takes a graphics card for one", () => {
    expect(isSoftware("ANGLE (NVIDIA, NVIDIA GeForce RTX 3060 Direct3D11 vs_5_0 ps_5_0, D3D11)")).toBe(false);
    expect(isSoftware("Apple M2")).toBe(false);
  });
});

describe("budgetFor", () => {
  it("is smaller where a processor draws, and never above the card's side", () => {
    expect(budgetFor(2048, true).voxels).toBeLessThan(budgetFor(2048, false).voxels);
    expect(budgetFor(256, false).side).toBe(256);
  });
});

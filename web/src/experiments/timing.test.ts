// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { shownState } from "./timing";

describe("shownState", () => {
  const stage = (state: "running" | "done", done = 0) => ({ name: "train-a", state, done });
  it("is queued until somebody works on it", () => {
    expect(shownState(stage("running"), [{ stage: "train-b" }])).toBe("queued");
    expect(shownState(stage("running"), [{ stage: "train-a" }])).toBe("running");
    expect(shownState(stage("running", 3), [])).toBe("running");
    expect(shownState(stage("done"), [])).toBe("done");
  });
});

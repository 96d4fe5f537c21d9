// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problems";
import type { ModelInfo } from "../api/types";
import type { Stack } from "./stack";
import { first, missingToStart, next, readVoxelSize, refusedBy, scaleWarning, voxelSizeOf, type Happening, type Progress, type UploadState } from "./state";
import { saidOf } from "./words";
import { Refusal } from "./zip";

const stack: Stack = { file: new File(["x"], "brain.zip"), sections: 3, kind: "TIFF", unpacked: 9, size: null, fingerprint: "f00d" };
const after = (...happenings: Happening[]) => happenings.reduce<UploadState>(next, first);
const progress: Progress = { step: "sending", sent: 40, all: 100, resumed: 0, bytesPerSecond: 8, secondsLeft: 7.5 };
const ready: readonly Happening[] = [{ what: "read", stack }, { what: "model", name: "m", voxelSize: [40, 8, 8] }];
const refused = { place: "file", text: "no", field: null } as const;

describe("next", () => {
  it("says what is missing until a file is read and a model chosen", () => {
    expect(missingToStart(first)).toBe("Choose a zip and a model first.");
    expect(missingToStart(after({ what: "reading", name: "a.zip" }))).toMatch(/being read/);
    expect(missingToStart(after(ready[0] as Happening))).toBe("Choose a model first.");
    expect(missingToStart(after(...ready))).toBeNull();
  });
  it("takes the model's voxel size until one is typed", () => {
    const other: Happening = { what: "model", name: "n", voxelSize: [30, 4, 4] };
    expect(after(...ready, other).voxelSize).toEqual(["30", "4", "4"]);
    expect(after(...ready, { what: "voxelSize", axis: 0, text: "50" }, other).voxelSize).toEqual(["50", "8", "8"]);
  });
  it("forgets a file that cannot be read, and keeps one that the server refused", () => {
    expect(after({ what: "reading", name: "a.zip" }, { what: "refused", refused }).file.kind).toBe("none");
    expect(after(...ready, { what: "started" }, { what: "refused", refused })).toMatchObject({ file: { kind: "ready" }, run: { kind: "idle" }, refused });
  });
  it("keeps how far it was while the connection is broken", () => {
    const problem = new Problem(0, "away");
    const { run } = after(...ready, { what: "started" }, { what: "step", step: progress }, { what: "step", step: { step: "broken", problem, seconds: 2 } });
    expect(run).toMatchObject({ kind: "sending", progress: { sent: 40 }, step: { step: "broken" } });
  });
  it("offers to go on after a stop only when something has arrived", () => {
    expect(after(...ready, { what: "started" }, { what: "stopped", upload: 7 }).run.kind).toBe("idle");
    expect(after(...ready, { what: "started" }, { what: "step", step: progress }, { what: "stopped", upload: 7 }).run).toEqual({ kind: "stopped", upload: 7, progress });
  });
  it("drops a refusal when its own field changes", () => {
    const wrong = after(...ready, { what: "refused", refused: { ...refused, place: "voxelSize" } });
    expect(next(wrong, { what: "model", name: "n", voxelSize: null }).refused).not.toBeNull();
    expect(next(wrong, { what: "voxelSize", axis: 1, text: "8" }).refused).toBeNull();
  });
  it("keeps the model for another upload", () => {
    const state = after(...ready, { what: "started" }, { what: "submitted", experiment: 4, name: "brain" }, { what: "again" });
    expect(state).toMatchObject({ model: "m", file: { kind: "none" }, run: { kind: "idle" } });
  });
});

describe("readVoxelSize", () => {
  it("takes three numbers, with a comma too, or none", () => {
    expect(readVoxelSize(["40", " 8.5", "8,5"])).toEqual([40, 8.5, 8.5]);
    expect(readVoxelSize(["", " ", ""])).toBeNull();
  });
  it("refuses what is half given and what is no length", () => {
    expect(readVoxelSize(["40", "", "8"])).toMatch(/all three/);
    for (const text of ["0", "-8", "8 nm", "Infinity"]) expect(readVoxelSize(["40", text, "8"])).toMatch(/above 0/);
  });
});

describe("refusedBy", () => {
  it("stands beside the field that the server names", () => {
    const place = (field: string | null) => refusedBy(new Problem(422, "no", field), null).place;
    expect([place("voxelSize"), place("spec.model"), place("name"), place(null)]).toEqual(["voxelSize", "model", "file", "file"]);
    expect(refusedBy(new Refusal("empty"), null)).toEqual({ place: "file", text: "empty", field: null });
  });
  it("names the file as its owner does", () => {
    expect(refusedBy(new Problem(422, "slice z1.tif of /store/uploads/3/files/raw/f00d.zip is 9 x 9"), stack).text).toBe("slice z1.tif of brain.zip is 9 x 9");
  });
});

describe("models", () => {
  const model = (voxelSize?: readonly number[]) => ({ name: "m", card: voxelSize === undefined ? null : { voxelSize } }) as unknown as ModelInfo;
  it("have a voxel size when somebody gave one", () => {
    expect([model([40, 8, 8]), model([1, 1, 1]), model(), undefined].map(voxelSizeOf)).toEqual([[40, 8, 8], null, null, null]);
  });
  it("are warned of for voxels of another scale only", () => {
    expect(scaleWarning([40, 8, 8], [50, 8, 8])).toBeNull();
    expect(scaleWarning([40, 4, 4], [40, 8, 8])).toMatch(/40 × 8 × 8 nm/);
    expect(scaleWarning(null, [40, 8, 8])).toBeNull();
  });
});

describe("saidOf", () => {
  it("changes every ten per cent", () => {
    const said = (sent: number) => saidOf({ kind: "sending", progress, step: { ...progress, sent } });
    expect(said(31)).toBe(said(39));
    expect(said(40)).toBe("40 per cent uploaded.");
  });
});

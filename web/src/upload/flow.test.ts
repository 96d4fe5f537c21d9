// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problems";
import type { ExperimentInfo, ModelInfo, UploadInfo, VolumeInfo } from "../api/types";
import { makeFlow, type FlowOptions } from "./flow";

const limit = 10 ** 6;

/** A zip of one stored TIFF: local header, data, directory, end. */
function zip(name = "brain.zip", entry = "0.tif"): File {
  const field = (size: number, value: number) => Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);
  const text = [...new TextEncoder().encode(entry)];
  const sizes = [...field(4, 0), ...field(4, 3), ...field(4, 3), ...field(2, text.length), ...field(2, 0)];
  const local = [...field(4, 0x04034b50), ...field(2, 20), ...field(8, 0), ...sizes, ...text, 1, 2, 3];
  const directory = [...field(4, 0x02014b50), ...field(2, 20), ...field(2, 20), ...field(8, 0), ...sizes, ...field(14, 0), ...text];
  const end = [...field(4, 0x06054b50), ...field(4, 0), ...field(2, 1), ...field(2, 1), ...field(4, directory.length), ...field(4, local.length), ...field(2, 0)];
  return new File([new Uint8Array([...local, ...directory, ...end])], name);
}

function setUp(change: Partial<FlowOptions["api"]> = {}) {
  const calls: string[] = [];
  const sending: boolean[] = [];
  const note = (call: string) => void calls.push(call);
  let received = 0;
  const info = (bytes: number): UploadInfo => ({ id: 7, name: "brain", slabBytes: 1e6, files: [{ path: "raw", bytes, received }], complete: false });
  const api: FlowOptions["api"] = {
    beginUpload: async ({ files }) => (note("begin"), info(files[0]?.bytes ?? 0)),
    upload: async () => info(0),
    putSlab: async (_, path, offset, blob) => (note("slab"), { path, bytes: blob.size, received: (received = offset + blob.size) }),
    completeUpload: async () => (note("complete"), { id: 3, name: "brain" } as VolumeInfo),
    volume: async () => ({ id: 3, name: "brain" }) as VolumeInfo,
    submit: async () => (note("submit"), { id: 5, name: "brain" } as ExperimentInfo),
    removeUpload: async (id) => note(`remove ${id}`),
    ...change,
  };
  const flow = makeFlow({ api, wait: async () => undefined, now: () => 0, random: () => 0, onSending: (on) => sending.push(on) });
  flow.offer([{ name: "newest", card: { voxelSize: [40, 8, 8] } } as unknown as ModelInfo, { name: "older" } as ModelInfo]);
  return { flow, calls, sending };
}

describe("flow", () => {
  it("leads from a zip to an experiment with the newest model", async () => {
    const { flow, calls, sending } = setUp();
    expect(flow.store.get()).toMatchObject({ model: "newest", voxelSize: ["40", "8", "8"] });
    await flow.choose([zip()], limit);
    await flow.start();
    expect(calls).toEqual(["begin", "slab", "complete", "submit"]);
    expect(flow.store.get().run).toEqual({ kind: "segmenting", experiment: 5, name: "brain" });
    expect(sending).toEqual([true, false]);
  });

  it("keeps the chosen model while there is one of its name", () => {
    const { flow } = setUp();
    flow.chooseModel({ name: "older" } as ModelInfo);
    flow.offer([{ name: "newer still" } as ModelInfo, { name: "older" } as ModelInfo]);
    expect(flow.store.get().model).toBe("older");
    flow.offer([]);
    expect(flow.store.get().model).toBeNull();
  });

  for (const [what, files, says] of [
    ["two files", [zip(), zip()], /2 files/],
    ["one image", [new File(["x"], "z0.TIF")], /one image/],
    ["a zip without images", [zip("a.zip", "0.txt")], /no \.tif/],
  ] as const) {
    it(`refuses ${what} beside the file`, async () => {
      const { flow } = setUp();
      await flow.choose(files, limit);
      expect(flow.store.get()).toMatchObject({ file: { kind: "none" }, refused: { place: "file", text: expect.stringMatching(says) as string } });
    });
  }

  it("shows the file that was chosen last, whichever is read first", async () => {
    const { flow } = setUp();
    await Promise.all([flow.choose([zip("a.zip")], limit), flow.choose([zip("b.zip")], limit)]);
    expect(flow.store.get().file).toMatchObject({ kind: "ready", stack: { file: { name: "b.zip" } } });
  });

  it("sends nothing with a voxel size that is none", async () => {
    const { flow, calls } = setUp();
    await flow.choose([zip()], limit);
    flow.typeVoxelSize(0, "wide");
    await flow.start();
    expect([flow.store.get().refused?.place, calls]).toEqual(["voxelSize", []]);
  });

  it("takes back what the server refuses for what it holds", async () => {
    const { flow, calls } = setUp({ completeUpload: () => Promise.reject(new Problem(422, "all slices must have the same size")) });
    await flow.choose([zip()], limit);
    await flow.start();
    expect(flow.store.get().refused).toEqual({ place: "file", text: "all slices must have the same size", field: null });
    expect(calls).toEqual(["begin", "slab", "remove 7"]);
  });

  it("does not send the volume again when only its segmentation was refused", async () => {
    let refusals = 1;
    const { flow, calls } = setUp({
      submit: () => (refusals-- > 0 ? Promise.reject(new Problem(422, "no such model", "spec.model")) : Promise.resolve({ id: 5, name: "brain" } as ExperimentInfo)),
    });
    await flow.choose([zip()], limit);
    await flow.start();
    expect(flow.store.get().refused?.place).toBe("model");
    await flow.start();
    expect(flow.store.get().run.kind).toBe("segmenting");
    expect(calls).toEqual(["begin", "slab", "complete"]);
  });

  it("keeps what has arrived when it is stopped, and takes it back when told", async () => {
    const { flow, calls } = setUp({ completeUpload: (_, signal) => new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
      flow.stop();
    }) });
    await flow.choose([zip()], limit);
    await flow.start();
    expect(flow.store.get().run).toMatchObject({ kind: "stopped", upload: 7 });
    await flow.discard();
    expect([flow.store.get().run.kind, calls.at(-1)]).toEqual(["idle", "remove 7"]);
  });
});

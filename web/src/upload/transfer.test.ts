// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problems";
import type { ExperimentInfo, UploadInfo, VolumeInfo } from "../api/types";
import { Rate } from "./rate";
import { nextSlab, transfer, type Step, type TransferApi, type TransferOptions } from "./transfer";

/** What a silo does with uploads, in memory; each fault is thrown once, before ("lost") or after ("unheard") the call took effect. */
class Silo implements TransferApi {
  readonly calls: string[] = [];
  readonly volumes = new Set<string>();
  readonly keys: string[] = [];
  readonly faults = new Map<string, { problem: Problem; after: boolean }[]>();
  private readonly uploads = new Map<string, { info: { id: number; name: string }; path: string; bytes: number; data: Uint8Array }>();
  slabBytes = 300_000;

  fault(call: string, problem: Problem, after = false): void {
    this.faults.set(call, [...(this.faults.get(call) ?? []), { problem, after }]);
  }

  received(name: string): Uint8Array {
    return this.uploads.get(name)?.data ?? new Uint8Array();
  }

  private async run<T>(call: string, effect: () => T | Promise<T>): Promise<T> {
    this.calls.push(call);
    const fault = this.faults.get(call)?.shift();
    if (fault !== undefined && !fault.after) throw fault.problem;
    const result = await effect();
    if (fault !== undefined) throw fault.problem;
    return result;
  }

  private info(name: string): UploadInfo {
    const upload = this.uploads.get(name);
    if (upload === undefined) throw new Problem(404, "no such upload");
    const { info, path, bytes, data } = upload;
    return { ...info, slabBytes: this.slabBytes, files: [{ path, bytes, received: data.length }], complete: data.length === bytes };
  }

  private nameOf(id: number): string {
    for (const [name, upload] of this.uploads) if (upload.info.id === id) return name;
    throw new Problem(404, "no such upload");
  }

  beginUpload: TransferApi["beginUpload"] = ({ name, files }) => this.run("begin", () => {
    const file = files[0] as { path: string; bytes: number };
    const old = this.uploads.get(name);
    if (this.volumes.has(name) || (old !== undefined && old.path !== file.path)) throw new Problem(409, "taken", "name");
    if (old === undefined) this.uploads.set(name, { info: { id: this.uploads.size + 1, name }, path: file.path, bytes: file.bytes, data: new Uint8Array() });
    return this.info(name);
  });

  upload: TransferApi["upload"] = (id) => this.run("upload", () => this.info(this.nameOf(id)));

  putSlab: TransferApi["putSlab"] = (id, path, offset, blob) => this.run("slab", async () => {
    const upload = this.uploads.get(this.nameOf(id));
    if (upload === undefined) throw new Problem(404, "no such upload");
    if (offset !== upload.data.length) throw new Problem(409, "not the end", null, null, { received: upload.data.length });
    upload.data = new Uint8Array(Buffer.concat([upload.data, new Uint8Array(await blob.arrayBuffer())]));
    return { path, bytes: upload.bytes, received: upload.data.length };
  });

  completeUpload: TransferApi["completeUpload"] = (id) => this.run("complete", () => {
    const name = this.nameOf(id);
    const info = this.info(name);
    if (!info.complete) throw new Problem(409, "some is missing", null, null, { received: info.files[0]?.received });
    this.volumes.add(name);
    return { id: 70 + id, name } as VolumeInfo;
  });

  volume: TransferApi["volume"] = (name) => this.run("volume", () => {
    if (!this.volumes.has(name)) throw new Problem(404, "no such volume");
    return { id: 71, name } as VolumeInfo;
  });

  submit: TransferApi["submit"] = (spec, key) => this.run("submit", () => {
    this.keys.push(key);
    return { id: 5, name: (spec as { name: string }).name } as ExperimentInfo;
  });

  remove(name: string): void {
    this.uploads.delete(name);
  }
}

const content = new Uint8Array(1_000_000).map((_, i) => (i * 31) % 253);
/** Element by element, expect takes seconds over so many. */
const whole = (silo: Silo) => Buffer.compare(silo.received("stack"), content) === 0;
const broken = new Problem(0, "The server does not answer.");

async function send(silo: Silo, change: Partial<TransferOptions> = {}) {
  const steps: Step[] = [];
  const waits: number[] = [];
  let clock = 0;
  const result = await transfer({
    api: silo, file: new Blob([content]), name: "stack", fingerprint: "f1", voxelSize: null, model: "m", made: null, signal: new AbortController().signal,
    onStep: (s) => steps.push(s), onUpload: () => undefined, onVolume: () => undefined, now: () => (clock += 100), random: () => 0.5,
    wait: async (ms) => void waits.push(ms), ...change,
  });
  return { ...result, steps, waits };
}

describe("transfer", () => {
  it("sends all slabs, completes and submits", async () => {
    const silo = new Silo();
    const { volume, experiment, steps } = await send(silo);
    expect(whole(silo)).toBe(true);
    expect([volume.name, experiment.id, silo.keys]).toEqual(["stack", 5, ["page-71-m"]]);
    expect(steps.at(-1)?.step).toBe("submitting");
    expect(steps.filter((s) => s.step === "sending").at(-1)).toMatchObject({ sent: 1_000_000, secondsLeft: 0 });
  });

  it("goes on where an earlier try of the same file ended", async () => {
    const silo = new Silo();
    await silo.beginUpload({ name: "stack", files: [{ path: "raw/f1.zip", bytes: content.length }] });
    await silo.putSlab(1, "raw/f1.zip", 0, new Blob([content.slice(0, 750_000)]));
    silo.calls.length = 0;
    const { steps } = await send(silo);
    expect(whole(silo)).toBe(true);
    expect(silo.calls).toEqual(["begin", "slab", "complete", "submit"]);
    expect(steps[0]).toMatchObject({ step: "sending", sent: 750_000, resumed: 750_000 });
  });

  it("does not go on with another file's upload of the same name", async () => {
    const silo = new Silo();
    await silo.beginUpload({ name: "stack", files: [{ path: "raw/other.zip", bytes: content.length }] });
    expect((await send(silo)).volume.name).toBe("stack-2");
  });

  it("asks what has arrived after a break, and sends only the rest", async () => {
    const silo = new Silo();
    silo.fault("slab", broken, true);
    const { steps, waits } = await send(silo);
    expect(whole(silo)).toBe(true);
    expect(silo.calls.slice(0, 4)).toEqual(["begin", "slab", "upload", "slab"]);
    expect(steps.some((s) => s.step === "broken")).toBe(true);
    expect(waits).toHaveLength(1);
  });

  it("waits longer each time the silo is still away, and as long as it asks", async () => {
    const silo = new Silo();
    for (let i = 0; i < 4; i++) silo.fault("slab", broken);
    silo.fault("upload", new Problem(503, "no database", null, 90));
    const { waits } = await send(silo);
    expect(whole(silo)).toBe(true);
    expect(waits[0]).toBeLessThan(waits[2] as number);
    expect(waits).toContain(90_000);
  });

  it("takes the silo's word for where the file ends", async () => {
    const silo = new Silo();
    silo.fault("slab", new Problem(409, "not the end", null, null, { received: 0 }));
    await send(silo);
    expect(whole(silo)).toBe(true);
  });

  it("begins again when the upload was taken away", async () => {
    const silo = new Silo();
    silo.fault("complete", new Problem(404, "no such upload"));
    await send(silo);
    expect(silo.calls.filter((c) => c === "begin")).toHaveLength(2);
  });

  it("finds the volume when the answer to completing was lost", async () => {
    const silo = new Silo();
    silo.fault("complete", broken, true);
    silo.fault("complete", new Problem(409, "The upload 1 has become the volume stack."));
    expect((await send(silo)).volume.name).toBe("stack");
    expect(silo.calls).toContain("volume");
  });

  it("submits one experiment however often the answer is lost", async () => {
    const silo = new Silo();
    silo.fault("submit", broken, true);
    silo.fault("submit", broken, true);
    await send(silo);
    expect(new Set(silo.keys).size).toBe(1);
    expect(silo.keys).toHaveLength(3);
  });

  for (const status of [401, 403, 413, 422, 507]) {
    it(`does not try again what is refused with ${status}`, async () => {
      const silo = new Silo();
      silo.fault("complete", new Problem(status, "refused because"));
      await expect(send(silo)).rejects.toThrow("refused because");
      expect(silo.calls.filter((c) => c === "complete")).toHaveLength(1);
    });
  }

  it("stops when it is cancelled", async () => {
    const silo = new Silo();
    const stop = new AbortController();
    silo.fault("slab", broken);
    const sending = send(silo, { signal: stop.signal, wait: async () => stop.abort() });
    await expect(sending).rejects.toMatchObject({ name: "AbortError" });
  });

  it("says so when the file changed on the disk", async () => {
    const silo = new Silo();
    silo.fault("slab", broken);
    const gone = { size: 10, slice: () => ({ arrayBuffer: () => Promise.reject(new DOMException("", "NotReadableError")) }) } as unknown as Blob;
    await expect(send(silo, { file: gone })).rejects.toThrow(/changed or removed/);
  });
});

describe("nextSlab", () => {
  it("grows on fast connections, shrinks on slow ones, within bounds", () => {
    expect(nextSlab(1e6, 100, 16e6)).toBe(2e6);
    expect(nextSlab(1e6, 5000, 16e6)).toBe(5e5);
    expect(nextSlab(1e6, 1000, 16e6)).toBe(1e6);
    expect(nextSlab(16e6, 1, 16e6)).toBe(16e6);
    expect(nextSlab(300_000, 9e9, 16e6)).toBe(262_144);
  });
});

describe("Rate", () => {
  it("is that of the last seconds", () => {
    const rate = new Rate(0, 0);
    expect(rate.perSecond(0)).toBeNull();
    for (let s = 1; s <= 100; s++) rate.add(s * 10, s * 1000);
    for (let s = 1; s <= 30; s++) rate.add(1000 + s * 50, (100 + s) * 1000);
    expect(rate.perSecond(130_000)).toBeCloseTo(50);
  });
  it("does not count what had arrived before", () => {
    const rate = new Rate(5000, 0);
    rate.add(6000, 1000);
    expect(rate.perSecond(1000)).toBe(1000);
  });
});

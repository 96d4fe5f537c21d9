// SPDX-License-Identifier: Apache-2.0
import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { checkStack, volumeName } from "./stack";
import { readZip, Refusal } from "./zip";

interface Made {
  readonly name: string;
  readonly data?: Uint8Array;
  readonly deflate?: boolean;
  readonly encrypted?: boolean;
  /** What the directory claims. */
  readonly unpacked?: number;
  readonly packed?: number;
  readonly aes?: boolean;
}

/** Writes a zip as archivers do; zip64 puts sizes and offsets into the wide fields as for archives above 4 GiB. */
function zip(entries: readonly Made[], { zip64 = false, comment = "", before = 0 } = {}): File {
  const parts: Uint8Array[] = [new Uint8Array(before)];
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const entry of entries) {
    const name = new TextEncoder().encode(entry.name);
    const data = entry.data ?? new Uint8Array(3);
    const stored = entry.deflate ? new Uint8Array(deflateRawSync(data)) : data;
    const method = entry.aes ? 99 : entry.deflate ? 8 : 0;
    const [packed, unpacked] = [entry.packed ?? stored.length, entry.unpacked ?? data.length];
    const local = bytes([4, 0x04034b50], [2, 20], [2, entry.encrypted ? 1 : 0], [2, method], [4, 0], [4, 0], [4, packed], [4, unpacked], [2, name.length], [2, 0]);
    const extra = zip64 ? bytes([2, 1], [2, 24], [8, unpacked], [8, packed], [8, at]) : new Uint8Array();
    const narrow = (value: number) => (zip64 ? 0xffffffff : value);
    directory.push(
      bytes([4, 0x02014b50], [2, 20], [2, 20], [2, entry.encrypted ? 1 : 0], [2, method], [4, 0], [4, 0], [4, narrow(packed)], [4, narrow(unpacked)],
        [2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, narrow(at)]),
      name, extra,
    );
    parts.push(local, name, stored);
    at += local.length + name.length + stored.length;
  }
  const size = directory.reduce((sum, p) => sum + p.length, 0);
  parts.push(...directory);
  if (zip64) {
    parts.push(bytes([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, entries.length], [8, entries.length], [8, size], [8, at]));
    parts.push(bytes([4, 0x07064b50], [4, 0], [8, at + size], [4, 1]));
  }
  const text = new TextEncoder().encode(comment);
  parts.push(
    bytes([4, 0x06054b50], [2, 0], [2, 0], [2, zip64 ? 0xffff : entries.length], [2, zip64 ? 0xffff : entries.length], [4, zip64 ? 0xffffffff : size], [4, zip64 ? 0xffffffff : at], [2, text.length]),
    text,
  );
  return new File(parts as Uint8Array<ArrayBuffer>[], "stack.zip");
}

function bytes(...fields: readonly (readonly [size: number, value: number])[]): Uint8Array {
  return Uint8Array.from(fields.flatMap(([size, value]) => Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256)));
}

function png(width: number, height: number): Uint8Array {
  const data = new Uint8Array(9000).map((_, i) => (i * 7919) % 251);
  const head = new DataView(data.buffer);
  [0x89504e47, 0x0d0a1a0a, 13, 0x49484452, width, height].forEach((value, i) => head.setUint32(4 * i, value));
  return data;
}

const limit = 10 ** 6;
const refused = (file: File, most = limit) => checkStack(file, most).then(() => "taken", (e: unknown) => (e instanceof Refusal ? e.message : `not a refusal: ${String(e)}`));

describe("readZip", () => {
  const entries = [{ name: "a/0.tif" }, { name: "a/1.tif", data: new Uint8Array(500), deflate: true }];
  it("reads names, sizes and places", async () => {
    const { entries: read } = await readZip(zip(entries));
    expect(read.map((e) => [e.name, e.unpacked, e.method])).toEqual([["a/0.tif", 3, 0], ["a/1.tif", 500, 8]]);
    expect(read[1]?.offset).toBe(30 + 7 + 3);
  });
  it("reads the wide fields of zip64", async () => {
    const wide = await readZip(zip([{ name: "0.tif", unpacked: 5e9, packed: 4.9e9 }, { name: "1.tif" }], { zip64: true }));
    expect(wide.entries.map((e) => e.unpacked)).toEqual([5e9, 3]);
    expect(wide.entries[0]?.packed).toBe(4.9e9);
  });
  it("finds the directory before a comment and after something put in front", async () => {
    const { entries: read } = await readZip(zip(entries, { comment: "made by PK\u0005\u0006 hand", before: 1000 }));
    expect(read[0]?.offset).toBe(1000);
  });
  it("has the same fingerprint for the same content only", async () => {
    const of = async (made: readonly Made[]) => (await readZip(zip(made))).fingerprint;
    expect(await of(entries)).toBe(await of(entries));
    expect(await of(entries)).not.toBe(await of([{ name: "a/0.tif" }, { name: "a/1.tif", data: new Uint8Array(501), deflate: true }]));
  });
  it("refuses what is no zip and what is cut off", async () => {
    expect(await refused(new File([new Uint8Array(5000)], "x.zip"))).toMatch(/not a whole zip/);
    const whole = zip(entries);
    expect(await refused(new File([whole.slice(0, whole.size - 30)], "x.zip"))).toMatch(/not a whole zip/);
    expect(await refused(new File([whole.slice(0, 20), whole.slice(50)], "x.zip"))).toMatch(/damaged/);
  });
});

describe("checkStack", () => {
  it("takes a stack of PNGs of one size, stored or deflated", async () => {
    const stack = await checkStack(zip([{ name: "0.png", data: png(64, 48) }, { name: "1.png", data: png(64, 48), deflate: true }]), limit);
    expect(stack).toMatchObject({ sections: 2, kind: "PNG", size: { width: 64, height: 48 } });
  });
  it("names the first image that differs in size", async () => {
    const file = zip([{ name: "0.png", data: png(64, 48), deflate: true }, { name: "1.png", data: png(64, 50), deflate: true }]);
    expect(await refused(file)).toMatch(/0\.png has 64 × 48 pixels, 1\.png 64 × 50/);
  });
  it("leaves out what file managers add", async () => {
    const stack = await checkStack(zip([{ name: "s/" }, { name: "s/0.tif" }, { name: "__MACOSX/s/._0.tif" }, { name: "s/.hidden.tif" }, { name: "s/readme.txt" }]), limit);
    expect(stack).toMatchObject({ sections: 1, kind: "TIFF", size: null });
  });
  for (const [what, made, says] of [
    ["without images", [{ name: "notes.txt" }], /no \.tif/],
    ["that are encrypted", [{ name: "0.tif", encrypted: true }], /encrypted/],
    ["that are encrypted by AES", [{ name: "0.tif", aes: true }], /encrypted/],
    ["of both kinds", [{ name: "0.tif" }, { name: "1.png" }], /both TIFF and PNG/],
    ["of two folders", [{ name: "a/0.tif" }, { name: "b/0.tif" }], /more than one folder/],
    ["too deep", [{ name: "a/b/0.tif" }], /deeper/],
    ["that lead out", [{ name: "../0.tif" }], /leads out/],
    ["with a name twice", [{ name: "0.tif" }, { name: "0.tif" }], /two entries/],
    ["that unpack to too much", [{ name: "0.tif", unpacked: 1e9 }], /times its size/],
    ["with a PNG that is none", [{ name: "0.png", data: new Uint8Array(100) }], /is none/],
  ] as const) {
    it(`refuses zips ${what}`, async () => expect(await refused(zip(made))).toMatch(says));
  }
  it("refuses what is above the limit before it reads anything", async () => {
    expect(await refused(zip([{ name: "0.tif" }]), 50)).toMatch(/at most 50 B can be uploaded/);
  });
});

describe("names", () => {
  it("makes volume names of file names", () => {
    expect(["Fly brain (2).zip", "a.b_c-1.ZIP", "Größe.zip", "…zip"].map(volumeName)).toEqual(["Fly-brain-2", "a.b_c-1", "Gro-e", "zip"]);
    expect(volumeName(`${"x".repeat(99)}.zip`)).toHaveLength(56);
    expect(volumeName("漢字.zip")).toBe("stack");
  });
});

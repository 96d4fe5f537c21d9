// SPDX-License-Identifier: Apache-2.0
import { bytes } from "../app/format";
import { pngSize, readZip, Refusal, type ZipEntry } from "./zip";

/** A zip that looks like a stack of sections. */
export interface Stack {
  readonly file: File;
  readonly sections: number;
  readonly kind: "TIFF" | "PNG";
  readonly unpacked: number;
  /** Known for PNG; a TIFF's is read by the silo. */
  readonly size: { readonly width: number; readonly height: number } | null;
  readonly fingerprint: string;
}

// The silo's own bounds for archives that are uploaded: what breaks them is refused there after the upload, so it is refused here before.
const mostSections = 200_000;
const expansionFloor = 256 * 2 ** 20;
const mostExpansion = 100;
const mostFileBytes = 2 ** 31;
const mostHeadersRead = 5000;

/** Reads what the zip holds and refuses what is no stack, or too large. limit is in bytes. */
export async function checkStack(file: File, limit: number): Promise<Stack> {
  if (file.size > limit) throw new Refusal(`${file.name} is too large: it has ${bytes(file.size)}, and at most ${bytes(limit)} can be uploaded here. Larger volumes go by the command line: teravox volumes upload.`);
  if (file.size === 0) throw new Refusal(`${file.name} is empty.`);
  const { entries, fingerprint } = await readZip(file);
  const images = imagesOf(entries);
  checkClaims(images);
  const kind = kindOf(images);
  const size = kind === "PNG" ? await commonSize(file, images) : null;
  return { file, sections: images.length, kind, unpacked: images.reduce((sum, e) => sum + e.unpacked, 0), size, fingerprint };
}

const isTiff = (name: string) => /\.tiff?$/i.test(name);
const isPng = (name: string) => /\.png$/i.test(name);

/** The entries that are sections, by the same rules as the silo's. */
export function imagesOf(entries: readonly ZipEntry[]): ZipEntry[] {
  const images: ZipEntry[] = [];
  const names = new Set<string>();
  let folder: string | null = null;
  for (const entry of entries) {
    const { name } = entry;
    const parts = name.split("/");
    if (name.startsWith("/") || /^[A-Za-z]:/.test(name) || parts.includes("..")) {
      throw new Refusal(`The zip holds an entry named "${name}", which leads out of the archive. Make the zip anew from the images alone.`);
    }
    // Hidden files and __MACOSX are what file managers put beside the images.
    if (entry.directory || parts[0] === "__MACOSX" || parts.some((p) => p.startsWith(".")) || !(isTiff(name) || isPng(name))) continue;
    if (entry.encrypted) throw new Refusal(`${name} is encrypted. Make the zip anew without a password.`);
    if (parts.length > 2) throw new Refusal(`${name} lies deeper than one folder. Put the images at the top of the zip or into one folder.`);
    const parent = parts.length === 2 ? (parts[0] as string) : "";
    folder ??= parent;
    if (parent !== folder) throw new Refusal(`The zip holds images in more than one folder ("${folder}" and "${parent}"). Make one zip for each.`);
    if (names.has(name)) throw new Refusal(`The zip holds two entries named ${name}.`);
    names.add(name);
    images.push(entry);
  }
  if (images.length > 0) return images;
  if (entries.some((e) => e.encrypted)) throw new Refusal("The zip is encrypted. Make it anew without a password.");
  throw new Refusal("The zip holds no .tif, .tiff or .png image.");
}

function checkClaims(images: readonly ZipEntry[]): void {
  if (images.length > mostSections) throw new Refusal(`The zip holds ${images.length} images; at most ${mostSections} are taken.`);
  let [packed, unpacked] = [0, 0];
  for (const entry of images) {
    if (entry.unpacked > mostFileBytes) throw new Refusal(`${entry.name} unpacks to ${bytes(entry.unpacked)}; at most ${bytes(mostFileBytes)} are read.`);
    packed += entry.packed;
    unpacked += entry.unpacked;
  }
  if (unpacked > expansionFloor && unpacked > packed * mostExpansion) {
    throw new Refusal(`The zip unpacks to ${bytes(unpacked)}, more than ${mostExpansion} times its size. Images do not shrink that much; it is not taken.`);
  }
}

function kindOf(images: readonly ZipEntry[]): "TIFF" | "PNG" {
  const tiff = images.find((e) => isTiff(e.name));
  const png = images.find((e) => isPng(e.name));
  if (tiff !== undefined && png !== undefined) throw new Refusal(`The zip holds both TIFF and PNG images (${tiff.name}, ${png.name}). Put one stack of one kind into it.`);
  return tiff === undefined ? "PNG" : "TIFF";
}

async function commonSize(file: File, images: readonly ZipEntry[]): Promise<Stack["size"]> {
  let common: { name: string; width: number; height: number } | null = null;
  for (let from = 0; from < Math.min(images.length, mostHeadersRead); from += 32) {
    const some = images.slice(from, from + 32);
    const sizes = await Promise.all(some.map((entry) => pngSize(file, entry)));
    for (const [i, size] of sizes.entries()) {
      const name = (some[i] as ZipEntry).name;
      if (size === null) continue;
      common ??= { name, ...size };
      if (size.width !== common.width || size.height !== common.height) {
        throw new Refusal(`The images differ in size: ${common.name} has ${common.width} × ${common.height} pixels, ${name} ${size.width} × ${size.height}. All sections of a stack have the same size.`);
      }
    }
  }
  return common === null ? null : { width: common.width, height: common.height };
}

/** A volume's name made of a file's: letters, digits, '-', '_' and '.', at most 56 characters so that a number fits behind it. */
export function volumeName(fileName: string): string {
  const name = fileName.replace(/\.zip$/i, "").normalize("NFKD").replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-._]+|[-._]+$/g, "").slice(0, 56);
  return name === "" ? "stack" : name;
}

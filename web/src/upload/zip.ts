// SPDX-License-Identifier: Apache-2.0
// Reads the central directory of a zip (APPNOTE 6.3.10) without unpacking anything, so that what is no stack is refused before it is sent.

/** Why a file is refused: a sentence for people. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = "Refusal";
  }
}

export interface ZipEntry {
  readonly name: string;
  readonly packed: number;
  readonly unpacked: number;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly encrypted: boolean;
  readonly directory: boolean;
  /** Where its local header begins. */
  readonly offset: number;
}

export interface ZipDirectory {
  readonly entries: readonly ZipEntry[];
  /** Of the directory's bytes, which hold every entry's size and CRC-32: the same for the same content. */
  readonly fingerprint: string;
}

const endLength = 22;
const longestComment = 65535;
const zip64EndLength = 56;
const locatorLength = 20;
// A directory of the most entries that a silo takes, with long names; more is made to fill memory.
const mostDirectoryBytes = 64 * 2 ** 20;
const all16 = 0xffff;
const all32 = 0xffffffff;

export async function readZip(file: Blob): Promise<ZipDirectory> {
  const tailStart = Math.max(0, file.size - endLength - longestComment - zip64EndLength - locatorLength);
  const tail = await view(file, tailStart, file.size);
  const end = findEnd(tail);
  if (end < 0) {
    throw new Refusal("This is not a whole zip file: its directory, which stands at the end, is missing. It may not be a zip, or not have been copied whole.");
  }
  let count = tail.getUint16(end + 10, true);
  let bytes = tail.getUint32(end + 12, true);
  let start = tail.getUint32(end + 16, true);
  let directoryEnd = tailStart + end;
  if (tail.getUint16(end + 4, true) !== 0 && tail.getUint16(end + 4, true) !== all16) {
    throw new Refusal("This is one part of a zip that is split over several files. Make one zip of all the images.");
  }
  const locator = end - locatorLength;
  if ((count === all16 || bytes === all32 || start === all32) && locator >= 0 && tail.getUint32(locator, true) === 0x07064b50) {
    const at = long(tail, locator + 8);
    if (at + zip64EndLength > file.size) throw damaged();
    const wide = await view(file, at, at + zip64EndLength);
    if (wide.getUint32(0, true) !== 0x06064b50) throw damaged();
    [count, bytes, start, directoryEnd] = [long(wide, 32), long(wide, 40), long(wide, 48), at];
  }
  if (bytes > mostDirectoryBytes) throw new Refusal("The zip's directory is too large for a stack of images.");
  // Whatever was put before the archive shifts all its offsets by the same.
  const shift = directoryEnd - bytes - start;
  if (shift < 0) throw damaged();
  const directory = await view(file, start + shift, start + shift + bytes);
  return { entries: entriesOf(directory, count, shift), fingerprint: fingerprintOf(directory) };
}

function findEnd(tail: DataView): number {
  for (let at = tail.byteLength - endLength; at >= 0; at--) {
    // A comment may hold the signature too; the true one's comment reaches to the end of the file.
    if (tail.getUint32(at, true) === 0x06054b50 && at + endLength + tail.getUint16(at + 20, true) === tail.byteLength) return at;
  }
  return -1;
}

function entriesOf(directory: DataView, count: number, shift: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  for (let at = 0; at < directory.byteLength && entries.length < count; ) {
    if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== 0x02014b50) throw damaged();
    const [nameLength, extraLength, commentLength] = [directory.getUint16(at + 28, true), directory.getUint16(at + 30, true), directory.getUint16(at + 32, true)];
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > directory.byteLength) throw damaged();
    const flags = directory.getUint16(at + 8, true);
    const method = directory.getUint16(at + 10, true);
    const name = new TextDecoder().decode(bytesOf(directory, at + 46, nameLength)).replaceAll("\\", "/");
    const wide = wideFields(directory, at + 46 + nameLength, extraLength);
    const field = (place: number) => {
      const narrow = directory.getUint32(at + place, true);
      return narrow === all32 ? (wide.shift() ?? narrow) : narrow;
    };
    // In the order that the zip64 field has them.
    const unpacked = field(24);
    const packed = field(20);
    const offset = field(42) + shift;
    // 99 is what AES-encrypted entries have as their method.
    entries.push({ name, packed, unpacked, method, offset, encrypted: (flags & 0x41) !== 0 || method === 99, directory: name.endsWith("/") });
    at = next;
  }
  if (entries.length < count) throw damaged();
  return entries;
}

/** The 64-bit values of the zip64 extra field, which stand there only for the fields that are full. */
function wideFields(directory: DataView, start: number, length: number): number[] {
  for (let at = start; at + 4 <= start + length; ) {
    const size = directory.getUint16(at + 2, true);
    if (directory.getUint16(at, true) === 1) {
      const values: number[] = [];
      for (let value = at + 4; value + 8 <= Math.min(at + 4 + size, start + length); value += 8) values.push(long(directory, value));
      return values;
    }
    at += 4 + size;
  }
  return [];
}

/** Width and height of a PNG of the zip; null where its head cannot be read without unpacking much. */
export async function pngSize(file: Blob, entry: ZipEntry): Promise<{ readonly width: number; readonly height: number } | null> {
  const head = await view(file, entry.offset, Math.min(file.size, entry.offset + 30));
  if (head.byteLength < 30 || head.getUint32(0, true) !== 0x04034b50) return null;
  const begin = entry.offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const packed = file.slice(begin, begin + Math.min(entry.packed, 4096));
  const bytes = entry.method === 0 ? await packed.arrayBuffer() : entry.method === 8 ? await inflateStart(packed) : null;
  if (bytes === null || bytes.byteLength < 24) return null;
  const png = new DataView(bytes);
  if (png.getUint32(0) !== 0x89504e47 || png.getUint32(12) !== 0x49484452) {
    throw new Refusal(`${entry.name} has the name of a PNG but is none.`);
  }
  return { width: png.getUint32(16), height: png.getUint32(20) };
}

/** What unpacks first of a deflate stream that is cut off. */
async function inflateStart(packed: Blob): Promise<ArrayBuffer | null> {
  const stream = new DecompressionStream("deflate-raw");
  const reader = stream.readable.getReader();
  const writer = stream.writable.getWriter();
  // The read waits before anything is written, so the first bytes reach it before the end of the cut-off stream becomes an error.
  const first = reader.read();
  writer.write(new Uint8Array(await packed.arrayBuffer())).catch(() => undefined);
  writer.close().catch(() => undefined);
  try {
    const { value } = await first;
    return value === undefined ? null : (value.slice().buffer as ArrayBuffer);
  } catch {
    return null;
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

async function view(file: Blob, start: number, end: number): Promise<DataView> {
  try {
    return new DataView(await file.slice(start, end).arrayBuffer());
  } catch {
    throw new Refusal("The file cannot be read. It may have been moved, or be a folder.");
  }
}

function long(data: DataView, at: number): number {
  return data.getUint32(at, true) + data.getUint32(at + 4, true) * 2 ** 32;
}

function bytesOf(data: DataView, at: number, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset + at, length);
}

function damaged(): Refusal {
  return new Refusal("The zip's directory is damaged. Make the zip anew, or copy it again.");
}

/** FNV-1a, two times 32 bits. */
function fingerprintOf(data: DataView): string {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (const byte of bytesOf(data, 0, data.byteLength)) {
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b ^ byte, 0x01000193) ^ (a >>> 15);
  }
  const hex = (n: number) => (n >>> 0).toString(16).padStart(8, "0");
  return hex(a) + hex(b);
}

// SPDX-License-Identifier: Apache-2.0
// Writes .br and .gz beside every text file of a built page, so that silos send them without compressing anything themselves.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const texts = new Set([".css", ".html", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".wasm"]);
// Below this a compressed file is hardly smaller than its headers.
const smallest = 512;

const root = process.argv[2];
if (!root) {
  console.error("usage: node tools/compress.mjs FOLDER");
  process.exit(2);
}

let files = 0;
for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !texts.has(extname(entry.name))) continue;
  const path = join(entry.parentPath, entry.name);
  const bytes = await readFile(path);
  if (bytes.length < smallest) continue;
  const brotli = await promisify(brotliCompress)(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  await writeFile(`${path}.br`, brotli);
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  files++;
}
console.log(`${root}: ${files} files compressed`);

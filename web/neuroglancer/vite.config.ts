// SPDX-License-Identifier: Apache-2.0
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { defaultClientConditions, defineConfig, type Plugin } from "vite";
import { numcodecsWithoutEval } from "../tools/numcodecs.ts";

const icon = (name: string): string => fileURLToPath(new URL(`icons/${name}.svg`, import.meta.url));

// Neuroglancer names its workers as `new Worker(/* webpackChunkName */ new URL(...))`. Vite does not see a worker behind
// such a comment and would inline the unbundled file as a data: URL, which neither runs nor passes the page's policy.
const workers = (): Plugin => ({
  name: "teravox:neuroglancer-workers",
  enforce: "pre",
  transform: {
    filter: { id: /neuroglancer\/lib\/.*\.js$/, code: /new Worker\(/ },
    handler: (code) => ({ code: code.replace(/new Worker\(\s*\/\*[^*]*\*\//g, "new Worker("), map: null }),
  },
});

// Neuroglancer asks for every file that Zarr allows, and browsers log each 404 as an error. OME-Zarr leaves no doubt: a group with
// multiscales is no array, and the attributes of its levels say nothing that the group's do not.
const asks = /getJsonResource\(chunkManager, credentialsProvider, `\$\{url\}\/\.zarray`\),\s*getJsonResource\(chunkManager, credentialsProvider, `\$\{url\}\/\.zattrs`\)/;
const fewerAsked = (): Plugin => ({
  name: "teravox:ome-zarr-files",
  enforce: "pre",
  transform: {
    filter: { id: /neuroglancer\/lib\/datasource\/zarr\/frontend\.js$/ },
    handler(code, id) {
      if (!asks.test(code)) throw new Error(`${id} asks for .zarray and .zattrs otherwise than this build knows`);
      const ask = (file: string): string => `getJsonResource(chunkManager, credentialsProvider, \`\${url}/${file}\`)`;
      const attributes = `options.expectedNodeType === "array" ? undefined : ${ask(".zattrs")}`;
      const either = `Promise.resolve(${attributes}).then(async (zattrs) => [zattrs?.multiscales ? undefined : await ${ask(".zarray")}, zattrs])`;
      return { code: code.replace(asks, () => `...(await ${either})`), map: null };
    },
  },
});

// Until its worker runs Neuroglancer queues what it tells it, and writes the next message into the object of the last one. On slow
// machines the worker then hears of some layers twice and of others never, and draws nothing; a copy of each keeps what was said.
const queued = "queue.push({ data: x, transfers })";
const copiedMessages = (): Plugin => ({
  name: "teravox:neuroglancer-messages",
  enforce: "pre",
  transform: {
    filter: { id: /neuroglancer\/lib\/worker_rpc\.js$/ },
    handler(code, id) {
      if (!code.includes(queued)) throw new Error(`${id} queues messages otherwise than this build knows`);
      return { code: code.replace(queued, "queue.push({ data: { ...x }, transfers })"), map: null };
    },
  },
});

// build.license sees the page's modules only; these are in the workers.
const workerLicences = (...packages: string[]): Plugin => ({
  name: "teravox:worker-licences",
  async generateBundle() {
    const text = async (name: string): Promise<string> =>
      `## ${name}\n\n${await readFile(new URL(`node_modules/${name}/LICENSE`, import.meta.url), "utf8")}`;
    this.emitFile({ type: "asset", fileName: "licences-workers.md", source: (await Promise.all(packages.map(text))).join("\n") });
  },
});

// Neuroglancer's own switches: of its data sources and layers only what silos serve is bundled.
const parts = [
  "neuroglancer/datasource:none_by_default",
  "neuroglancer/datasource/zarr:enabled",
  "neuroglancer/layer:none_by_default",
  "neuroglancer/layer/image:enabled",
  "neuroglancer/layer/segmentation:enabled",
  "neuroglancer/layer/annotation:enabled",
];

export default defineConfig({
  // Relative, so that the folder works wherever a silo or a proxy puts it.
  base: "./",
  resolve: {
    conditions: [...parts, ...defaultClientConditions],
    alias: [
      // Neuroglancer takes ikonate from a commit that has two icons more than the published version.
      { find: /^ikonate\/icons\/controls-alt\.svg/, replacement: icon("controls-alt") },
      { find: /^ikonate\/icons\/layers\.svg/, replacement: icon("layers") },
    ],
  },
  plugins: [workers(), fewerAsked(), copiedMessages(), workerLicences("numcodecs", "pako")],
  worker: { format: "es", plugins: () => [workers(), numcodecsWithoutEval()] },
  build: {
    outDir: "../dist/neuroglancer",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    // The viewer is one module of 1.1 MB; cutting it up would only make more requests.
    chunkSizeWarningLimit: 1300,
    // What is bundled keeps its licences beside it.
    license: { fileName: "licences.md" },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});

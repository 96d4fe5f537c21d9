// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from "node:url";

const invoker = JSON.stringify(fileURLToPath(new URL("embind.ts", import.meta.url)));
const evaluates = "var b = Function;";

/**
 * A Vite plugin for whatever bundles numcodecs: its decoders (blosc, zstd, lz4) are WebAssembly behind embind, which makes callers by
 * evaluating text. With this they keep to a content security policy of 'wasm-unsafe-eval' alone. Workers need it among worker.plugins too.
 */
export const numcodecsWithoutEval = () => ({
  name: "teravox:numcodecs-without-eval",
  enforce: "pre" as const,
  transform: {
    filter: { id: /numcodecs\/dist\/(blosc|zstd|lz4)\.js$/ },
    handler(code: string, id: string) {
      // Another version may evaluate elsewhere; a build that stops shows it sooner than a browser that refuses.
      if (code.split(evaluates).length !== 2) throw new Error(`${id} does not have "${evaluates}" once; see web/tools/numcodecs.ts`);
      return { code: `import { invokerWithoutEval } from ${invoker};\n${code.replace(evaluates, "var b = invokerWithoutEval;")}`, map: null };
    },
  },
});

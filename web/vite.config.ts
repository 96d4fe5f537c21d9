// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";
import { numcodecsWithoutEval } from "./tools/numcodecs.ts";

// While developing, a silo answers the API: TERAVOX_SILO=http://127.0.0.1:7300 npm run dev
const silo = process.env["TERAVOX_SILO"] ?? "http://127.0.0.1:7300";

export default defineConfig({
  plugins: [numcodecsWithoutEval()],
  build: {
    target: "es2022",
    // Inlined assets would be data: URLs, which the page's content security policy allows for images only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
  },
  server: { proxy: { "/api": silo, "/neuroglancer": silo } },
});
